//! The service is killed at many moments of its work, and started again. It completes what it
//! started, machines see whole releases at every moment, and nothing is left over.
//!
//! `DEPLOYER_CRASHES` sets the number of moments of a deployment. The default is 2, and 6 with
//! `NETBOOT_LONG_TESTS`. Half of the moments are spread over the whole deployment. The other half
//! are in the short time in which a release is staged and goes live.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use netboot_core::{Context, ReleaseId};
use netboot_publish::{VerifyDepth, VerifyScope};
use netboot_testbed::is_long;
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::service::{PATIENCE, Place, SITES, Service, files};
use crate::small_release;

fn moments() -> u32 {
    let chosen = std::env::var("DEPLOYER_CRASHES").ok();
    let otherwise = if is_long() { 6 } else { 2 };
    chosen.map_or(otherwise, |text| text.parse().unwrap())
}

/// Waits for one of the moments of a deployment that takes this time.
async fn wait_for(moment: u32, takes: Duration, service: &Service, id: &str) {
    let share = |of: Duration| of * (moment % moments() / 2) / moments().div_ceil(2);
    if moment.is_multiple_of(2) {
        tokio::time::sleep(share(takes)).await;
    } else {
        // By then the images are stored, and the rest takes less time than this.
        service.says(id, "\"phase\":\"verifying\"").await;
        tokio::time::sleep(share(Duration::from_millis(80))).await;
    }
}

/// Checks that everything that machines can see at both sites is whole, to the last byte.
async fn assert_whole(place: &Place) {
    for site in SITES {
        let publisher = place.publisher(site);
        let Some(live) = publisher.live().await.unwrap() else { continue };
        let (scope, context) = (VerifyScope::Release(live), Context::new());
        let report = publisher.verify(scope, VerifyDepth::Content, &context).await.unwrap();
        assert!(report.is_clean(), "{site}: {report}");
    }
}

/// Checks that this release is live at both sites, and that no file is without a release.
async fn assert_clean(place: &Place, live: ReleaseId) {
    for directory in SITES.map(|site| place.path(site)).iter().chain([&place.path("state/builds")])
    {
        let left: Vec<_> = files(directory).into_iter().filter(|path| is_temporary(path)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let left: Vec<_> =
        files(&place.path("state/jobs")).into_iter().filter(|path| is_temporary(path)).collect();
    assert!(left.is_empty(), "{left:?}");
    for site in SITES {
        let publisher = place.publisher(site);
        assert_eq!(publisher.live().await.unwrap(), Some(live), "{site}");
        let (scope, context) = (VerifyScope::Everything, Context::new());
        let report = publisher.verify(scope, VerifyDepth::Content, &context).await.unwrap();
        assert!(report.is_clean(), "{site}: {report}");
    }
}

/// Returns true if there is a half-written file without its final name.
fn is_temporary(path: &Path) -> bool {
    let mut names = path.components().map(|name| name.as_os_str().to_string_lossy());
    names.any(|name| {
        name.starts_with(".new-") || name.starts_with(".tmp") || name == "incomplete.json"
    })
}

#[tokio::test]
async fn a_deployment_is_killed_at_any_moment_and_brought_to_its_end() {
    let place = Place::new("0");
    let deploy = json!({"kind": "deploy", "profiles": ["worker"]});
    let service = place.start();
    let first = service.succeeds(deploy.clone()).await;
    // The second deployment builds only the differences between generations, like the later ones.
    place.write_flake("1");
    let begin = Instant::now();
    let second = service.succeeds(deploy.clone()).await;
    let takes = begin.elapsed();
    let mut live: Vec<Value> = vec![first["result"].clone(), second["result"].clone()];
    drop(service);

    let (moments, mut attempts) = (moments(), Vec::new());
    let begin = Instant::now();
    // A machine that does other work may kill a service too early or too late. Then more follow.
    for moment in 0.. {
        let was_interrupted = attempts.iter().any(|attempts| *attempts > 1);
        if moment >= moments && was_interrupted {
            break;
        }
        assert!(moment < moments || begin.elapsed() < PATIENCE, "nothing was interrupted");
        place.write_flake(&format!("{}", moment + 2));
        let service = place.start();
        let id = service.submit(deploy.clone()).await;
        wait_for(moment, takes, &service, &id).await;
        service.end(Signal::KILL);
        place.assert_no_strays();
        assert_whole(&place).await;
        if moment % 4 == 1 {
            // It is also killed while it resumes.
            let service = place.start();
            tokio::time::sleep(takes * moments.saturating_sub(moment) / (2 * moments)).await;
            service.end(Signal::KILL);
            place.assert_no_strays();
            assert_whole(&place).await;
        }
        let service = place.start();
        let job = service.finished(&id).await;
        assert_eq!(job["state"], "succeeded", "moment {moment}: {job:#}");
        attempts.push(job["attempts"].as_u64().unwrap());
        let release = job["result"].clone();
        assert!(
            !live.contains(&release),
            "moment {moment}: the job built existing images again: {job:#}"
        );
        live.push(release.clone());
        service.end(Signal::TERM);
        place.assert_no_strays();
        assert_clean(&place, release.as_str().unwrap().parse().unwrap()).await;
    }
    // Every generation went live once, in order.
    let history = place.publisher("osaka").history().await.unwrap();
    let order: Vec<Value> = history.iter().rev().map(|entry| json!(entry.release)).collect();
    assert_eq!(order, live);
}

/// Stages a release at both sites, without a build.
async fn stage_everywhere(place: &Place, generation: &str) -> ReleaseId {
    let mut staged = Vec::new();
    for site in SITES {
        staged.push(small_release::stage(&place.publisher(site), generation).await);
    }
    assert_eq!(staged[0], staged[1]);
    staged[0]
}

#[tokio::test]
async fn a_rollback_that_is_killed_goes_no_further_than_it_was_to() {
    let place = Place::new("one");
    let mut releases = Vec::new();
    for generation in ["one", "two", "three"] {
        let release = stage_everywhere(&place, generation).await;
        for site in SITES {
            place.publisher(site).activate(&release, &Context::new()).await.unwrap();
        }
        releases.push(json!(release));
    }
    let back = json!({"kind": "rollback", "to": "previous"});
    for milliseconds in [0, 4, 8, 12, 16, 24] {
        let service = place.start();
        let id = service.submit(back.clone()).await;
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        service.end(Signal::KILL);
        assert_whole(&place).await;
        let service = place.start();
        let job = service.finished(&id).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        assert_eq!(service.live().await, releases[1], "after {milliseconds} ms: {job:#}");
        service.succeeds(json!({"kind": "rollback", "to": releases[2]})).await;
        service.end(Signal::KILL);
        assert_clean(&place, releases[2].as_str().unwrap().parse().unwrap()).await;
    }
}

#[tokio::test]
async fn what_is_live_at_one_of_two_sites_after_a_crash_is_live_at_both_or_at_none() {
    let place = Place::new("one");
    let one = stage_everywhere(&place, "one").await;
    let two = stage_everywhere(&place, "two").await;
    let [osaka, tokyo] = SITES.map(|site| place.publisher(site));
    for site in [&osaka, &tokyo] {
        site.activate(&one, &Context::new()).await.unwrap();
    }
    fs::create_dir_all(place.path("state/jobs")).unwrap();
    for (id, tokyo_works) in [(10, false), (11, true)] {
        // The state after a service was killed when the release was live only at Osaka.
        osaka.activate(&two, &Context::new()).await.unwrap();
        let record = json!({
            "id": id.to_string(), "kind": "activate", "release": two, "result": two,
            "state": "running", "attempts": 1, "going_live": true,
            "live_before": {"osaka": one, "tokyo": one}, "created_at": "2026-01-31T12:00:00Z",
        });
        fs::write(place.path(&format!("state/jobs/{id}.json")), record.to_string()).unwrap();
        let (there, away) = (place.path("tokyo"), place.path("away"));
        if !tokyo_works {
            fs::rename(&there, &away).unwrap();
            fs::write(&there, "").unwrap();
        }
        let service = place.start();
        let job = service.finished(&id.to_string()).await;
        service.end(Signal::TERM);
        if !tokyo_works {
            fs::remove_file(&there).unwrap();
            fs::rename(&away, &there).unwrap();
        }
        let (ends, live) =
            if tokyo_works { ("succeeded", json!(two)) } else { ("failed", json!(one)) };
        assert_eq!(job["state"], ends, "{job:#}");
        assert_eq!(json!(osaka.live().await.unwrap()), live);
        assert_eq!(json!(tokyo.live().await.unwrap()), live);
    }
}

#[tokio::test]
async fn a_proof_that_is_killed_leaves_no_machine_behind_and_is_begun_anew() {
    let place = Place::new("one");
    place.configure("[proof]\nexpect = ['NETBOOT-GENERATION one']\nmemory-mib = 512\n");
    let service = place.start();
    let id = service.submit(json!({"kind": "deploy", "profiles": ["worker"], "prove": true})).await;
    // The machine runs, and its console shows something.
    service.says(&id, "\"phase\":\"booting\"").await;
    service.says(&id, "iPXE").await;
    service.end(Signal::KILL);
    place.assert_no_strays();
    let service = place.start();
    let job = service.finished(&id).await;
    assert_eq!((&job["state"], &job["attempts"]), (&json!("succeeded"), &json!(2)), "{job:#}");
    assert_eq!(service.live().await, job["result"]);
}

#[tokio::test]
async fn a_job_that_was_cancelled_stays_so() {
    let place = Place::new("one");
    place.write_gated_flake("gated");
    let service = place.start();
    let id = service.submit(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    service.says(&id, "\"phase\":\"realising\"").await;
    service.change(Method::DELETE, &format!("/api/jobs/{id}")).send().await.unwrap();
    service.end(Signal::KILL);
    place.assert_no_strays();
    let service = place.start();
    assert_eq!(service.finished(&id).await["state"], "cancelled");
    assert_eq!(service.live().await, Value::Null);
}
