//! The jobs of the service, with real Nix and two publishers.

use std::fs;

use netboot_core::{Context, KernelParameter, ReleaseId};
use netboot_publish::{VerifyDepth, VerifyScope};
use serde_json::{Value, json};

use crate::service::{Place, SITES};

fn release(value: &Value) -> ReleaseId {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_release_is_built_staged_activated_and_rolled_back_at_both_publishers() {
    let place = Place::new("one");
    let service = place.start();
    assert_eq!(service.live().await, Value::Null);

    // Step by step, one profile.
    let build = service.succeeds(json!({"kind": "build", "profiles": ["worker"]})).await;
    let id = build["id"].as_str().unwrap();
    assert!(build["built"].is_string() && build["result"].is_null(), "{build:#}");
    let stage = service.succeeds(json!({"kind": "stage", "build": id})).await;
    let one = release(&stage["result"]);
    assert_eq!(service.live().await, Value::Null, "staging does not activate a release");
    for site in SITES {
        assert!(place.publisher(site).releases().await.unwrap().contains(&one), "{site}");
    }
    let activated = service.succeeds(json!({"kind": "activate", "release": one})).await;
    assert!(activated["summary"].as_str().unwrap().contains("live at 2 of 2 targets"));

    // In one job, another profile. The release keeps the live image of the first profile.
    place.write_flake("two");
    let deploy = service.succeeds(json!({"kind": "deploy", "profiles": ["control-plane"]})).await;
    let two = release(&deploy["result"]);
    assert_ne!(one, two);
    for site in SITES {
        let publisher = place.publisher(site);
        assert_eq!(publisher.live().await.unwrap(), Some(two));
        let images = publisher.images(&two).await.unwrap();
        let names: Vec<&str> = images.iter().map(|image| image.profile().as_str()).collect();
        assert_eq!(names, ["control-plane", "worker"]);
        let (scope, context) = (VerifyScope::Everything, Context::new());
        let report = publisher.verify(scope, VerifyDepth::Content, &context).await.unwrap();
        assert!(report.is_clean(), "{site}: {report}");
    }
    // The provenance and the log of an image are kept.
    let images = place.publisher("tokyo").images_with_logs(&two, &Context::new()).await.unwrap();
    assert!(images.iter().all(|image| image.build_log().is_some()));

    let releases = service.json("/api/releases").await;
    assert_eq!((release(&releases["live"]), release(&releases["previous"])), (two, one));
    let staged: Vec<usize> = releases["staged"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["profiles"].as_array().unwrap().len())
        .collect();
    assert_eq!(staged.iter().sum::<usize>(), 3, "{releases:#}");
    let live: Vec<ReleaseId> =
        releases["targets"].as_array().unwrap().iter().map(|at| release(&at["live"])).collect();
    assert_eq!(live, [two, two]);

    let back = service.succeeds(json!({"kind": "rollback", "to": "previous"})).await;
    assert_eq!(release(&back["result"]), one);
    for site in SITES {
        assert_eq!(place.publisher(site).live().await.unwrap(), Some(one));
    }
    service.succeeds(json!({"kind": "rollback", "to": two})).await;
    assert_eq!(release(&service.live().await), two);

    // A restarted service still has the jobs and their events.
    drop(service);
    let service = place.start();
    assert_eq!(service.json("/api/jobs").await.as_array().unwrap().len(), 6);
    let again = service.succeeds(json!({"kind": "stage", "build": id})).await;
    assert_ne!(release(&again["result"]), one, "it contains the live release's control plane");
    let events = service.get(&format!("/api/jobs/{id}/events")).send().await.unwrap();
    let events = events.text().await.unwrap();
    assert!(events.contains("\"phase\":\"realising\""), "{events}");
    assert!(events.trim_end().ends_with("\"state\":\"succeeded\"}"), "{events}");
}

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJlPRbHUTjJaRkBJX9Hd2oq6wyt4Wm8oQY7QvW8Y3oBE operator";

#[tokio::test]
async fn the_keys_of_the_configuration_are_in_what_is_built() {
    let place = Place::new("one");
    let text = fs::read_to_string(place.path("netboot.toml")).unwrap();
    place.write_configuration(
        &text.replace("[flake]", &format!("[flake]\nauthorized-keys = ['{KEY}']")),
    );
    // The image shows root's keys.
    let path = place.path("flake/flake.nix");
    let flake = fs::read_to_string(&path).unwrap();
    let shown = r#"({ config, lib, ... }: {
      boot.kernelParams = lib.mkAfter (
        map (key: "netboot.test.key=" + builtins.replaceStrings [ " " ] [ "," ] key)
          (config.users.users.root.openssh.authorizedKeys.keys or [ ])
      );
    })"#;
    let plain = "(import ./configuration.nix { inherit machine name expectedServices; })";
    assert_eq!(flake.matches(plain).count(), 1, "the test flake has changed");
    fs::write(&path, flake.replace(plain, &format!("{plain} {shown}"))).unwrap();

    let service = place.start();
    let job = service.succeeds(json!({"kind": "build", "profiles": ["worker"]})).await;
    let images = place.publisher("state/builds").images(&release(&job["built"])).await.unwrap();
    let parameters = images[0].boot().kernel_parameters().iter();
    let parameters: Vec<&str> = parameters.map(KernelParameter::as_str).collect();
    let expected = format!("netboot.test.key={}", KEY.replace(' ', ","));
    assert_eq!(parameters.last().unwrap(), &expected, "{parameters:?}");
}
