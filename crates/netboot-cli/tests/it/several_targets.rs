//! `netboot publish` to several targets, of which some cannot be published to.

use std::fs;
use std::net::TcpListener;

use crate::image;
use crate::place::{Place, Said};
use crate::publish::{live_profiles, local};

fn to_three(place: &Place, more: &[&str]) -> Said {
    let three = ["publish", "worker", "--to", "./nagoya", "--to", "./osaka", "--to", "./tokyo"];
    place.run(&[&three[..], more].concat())
}

#[tokio::test]
async fn three_targets_get_one_image() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    // A file is in the place of Osaka's directory. It is found before anything is sent.
    fs::write(place.path("osaka"), "").unwrap();
    let said = to_three(&place, &[]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.stderr.contains("osaka") && said.stderr.contains("what to do: "), "{said:#?}");
    for name in ["nagoya", "tokyo"] {
        assert_eq!(local(&place, name).live().await.unwrap(), None);
    }

    fs::remove_file(place.path("osaka")).unwrap();
    let said = to_three(&place, &[]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let release = local(&place, "tokyo").live().await.unwrap().unwrap();
    let lines = ["nagoya", "osaka", "tokyo"].map(|name| format!("{release} ./{name}\n"));
    assert_eq!(said.stdout, lines.concat());
}

#[tokio::test]
async fn all_targets_change_together_or_none_does() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let said = to_three(&place, &["--all-or-none"]);
    assert_eq!(said.code, Some(0), "{said:#?}");

    // Tokyo has another profile too: no release suits all of them.
    image::write(&place.path("storage"), "b=1");
    place.succeeds(&["publish", "storage", "--to", "./tokyo"]);
    image::write(&place.path("worker"), "a=2");
    let said = to_three(&place, &["--all-or-none"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.stderr.contains("leave out `--all-or-none`"), "{said:#?}");
    let said = to_three(&place, &["--each", "--json"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(live_profiles(&local(&place, "tokyo")).await, ["storage", "worker"]);
    assert_eq!(live_profiles(&local(&place, "osaka")).await, ["worker"]);
}

/// The outcome at each target of an answer.
fn outcomes(said: &Said) -> Vec<String> {
    let targets = said.json()["targets"].as_array().unwrap().clone();
    targets.iter().map(|one| one["outcome"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_target_that_cannot_be_used_does_not_keep_the_others_from_it() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    // A file is in the place of a directory; a server refuses; and another one never answers.
    fs::write(place.path("osaka"), "").unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("rsync://{}/m/p", silent.local_addr().unwrap());
    let closed = "s3://boot?endpoint=http://127.0.0.1:1&allow-http=true";
    let three = ["publish", "worker", "--to", "./nagoya", "--to", "./osaka", "--to", &silent];
    let more = ["--to", closed, "--to", "./tokyo", "--each", "--timeout", "20", "--json"];
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let said = place.run_with(&[&three[..], &more].concat(), &keys);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(outcomes(&said), ["live", "failed", "failed", "failed", "live"], "{said:#?}");
    for one in &said.json()["targets"].as_array().unwrap()[1..4] {
        assert!(one["error"]["message"].is_string() && one["error"]["hint"].is_string(), "{one}");
    }
    for name in ["nagoya", "tokyo"] {
        assert_eq!(live_profiles(&local(&place, name)).await, ["worker"]);
    }

    // The list of machines is published to the targets that have a live release.
    let fleet = ["fleet", "publish", "./nagoya", "./empty", "./tokyo", "--without-machines"];
    let said = place.run(&[&fleet[..], &["--each", "--json"]].concat());
    assert_eq!(outcomes(&said), ["live", "failed", "live"], "{said:#?}");
    // Without `--each`, nothing is done.
    let said = place.fails(&fleet);
    assert!(said.contains("empty"), "{said}");
}

#[tokio::test]
async fn a_target_inside_of_another_is_refused() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    place.succeeds(&["publish", "worker", "--to", "./pxe"]);
    for inside in ["./pxe/blobs/x", "./pxe/worker", "./pxe/../pxe/new"] {
        let said = place.misuses(&["publish", "worker", "--to", inside]);
        assert!(said.contains("inside of the target") && said.contains("/pxe`"), "{said}");
    }
    place.succeeds(&["publish", "worker", "--to", "./pxe-2"]);
    place.succeeds(&["verify", "./pxe"]);
}
