//! `netboot publish`, at every kind of target.

use std::fs;

use netboot_publish::{LocalStore, Publisher};

use crate::image::{self, READY};
use crate::place::{Place, assert_documented};

/// The profiles of the live release.
pub(crate) async fn live_profiles(publisher: &Publisher) -> Vec<String> {
    let Some(live) = publisher.live().await.unwrap() else { return Vec::new() };
    let images = publisher.images(&live).await.unwrap();
    images.iter().map(|image| image.profile().to_string()).collect()
}

/// A publisher to a directory of the place.
pub(crate) fn local(place: &Place, name: &str) -> Publisher {
    Publisher::new(LocalStore::new(place.path(name)))
}

#[tokio::test]
async fn images_join_the_profiles_that_are_live_at_every_kind_of_target() {
    for place in Place::all() {
        image::write(&place.path("worker"), "one=1");
        image::write(&place.path("storage"), "two=2");
        let target = place.target();
        let first = place.succeeds(&["publish", "worker", "--to", &target]);
        let live = place.live().await.unwrap().to_string();
        assert_eq!(first.stdout.trim_end(), live, "{first:#?}");

        let second = place.succeeds(&["publish", "./storage/", "--to", &target, "--json"]);
        let object = second.json();
        let at = &object["targets"][0];
        assert_eq!(at["target"], target);
        assert_eq!(at["previous"], live);
        assert_eq!(at["release"], place.live().await.unwrap().to_string());
        assert_documented("publish", &object);
        assert_eq!(live_profiles(&place.publisher().await).await, ["storage", "worker"]);

        // Again: nothing changes.
        let again = place.succeeds(&["publish", "worker", "--to", &target, "--json"]);
        assert_eq!(again.json()["targets"][0]["changed"], false);
    }
}

#[tokio::test]
async fn a_directory_is_a_profile_by_its_name_or_by_the_command_line() {
    let place = Place::directory();
    image::write(&place.path("Image 7"), "a=1");
    let said = place.misuses(&["publish", "Image 7", "--to", "./pxe"]);
    assert!(said.contains("Image 7") && said.contains("--profile NAME"), "{said}");
    place.succeeds(&["publish", "Image 7", "--profile", "edge", "--to", "./pxe"]);
    assert_eq!(live_profiles(&local(&place, "pxe")).await, ["edge"]);

    image::write(&place.path("worker"), "b=1");
    let twice =
        ["publish", "worker", "Image 7", "--profile", "a", "--profile", "a", "--to", "./pxe"];
    let said = place.misuses(&twice);
    assert!(said.contains("two directories are for the profile `a`"), "{said}");
    let many = ["publish", "worker", "--profile", "a", "--profile", "b", "--to", "./pxe"];
    let said = place.misuses(&many);
    assert!(said.contains("more profiles than directories"), "{said}");
    // The first directory has a name from the command line, the second has its own.
    place.succeeds(&["publish", "Image 7", "worker", "--profile", "a", "--to", "./pxe"]);
    assert_eq!(live_profiles(&local(&place, "pxe")).await, ["a", "edge", "worker"]);
}

#[tokio::test]
async fn a_machine_of_another_architecture_is_named() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let arm = ["publish", "worker", "--architecture", "aarch64", "--to", "./pxe"];
    let said = place.fails(&arm);
    assert!(said.contains("aarch64") || said.contains("Image"), "{said}");
    assert_eq!(live_profiles(&local(&place, "pxe")).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_failure_is_an_object_too() {
    let place = Place::directory();
    let said = place.run(&["publish", "nothing", "--to", "./pxe", "--json"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let object = said.json();
    assert!(object["error"]["message"].as_str().unwrap().contains("nothing"), "{object}");
}

#[tokio::test]
async fn an_image_goes_live_only_if_it_comes_up() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let prove = ["publish", "worker", "--to", "./pxe", "--prove", "--json", "--expect"];
    let said = place.run(&[&prove[..], &[READY]].concat());
    assert_eq!(said.code, Some(0), "{said:#?}");
    let proof = &said.json()["targets"][0]["proofs"][0];
    assert_eq!((&proof["profile"], &proof["came_up"]), (&"worker".into(), &true.into()));
    assert!(said.stderr.contains("1 image came up"), "{said:#?}");

    image::write(&place.path("worker"), "a=2");
    let said = place.run(&[&prove[..], &["NEVER-SAID"]].concat());
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.stderr.contains("not seen: NEVER-SAID"), "{said:#?}");
    assert!(said.stderr.contains(READY), "no console: {said:#?}");
    let publisher = local(&place, "pxe");
    assert_eq!(publisher.history().await.unwrap().len(), 1);
    assert_eq!(publisher.releases().await.unwrap().len(), 2);
}

#[tokio::test]
async fn two_targets_change_together_after_both_were_proven() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let both = ["publish", "worker", "--to", "./osaka", "--to", "./tokyo", "--all-or-none"];
    let both = [&both[..], &["--prove", "--json", "--expect"]].concat();
    let said = place.run(&[&both[..], &["NEVER-SAID"]].concat());
    assert_eq!(said.code, Some(3), "{said:#?}");
    for name in ["osaka", "tokyo"] {
        assert_eq!(local(&place, name).live().await.unwrap(), None);
    }
    let said = place.run(&[&both[..], &[READY]].concat());
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(said.json()["targets"][1]["outcome"], "live");
}

#[tokio::test]
async fn a_target_stays_as_it_is_unless_the_images_can_be_published() {
    let place = Place::directory();
    image::write(&place.path("images/worker"), "a=1");
    let script = place.path("images/worker/netboot.ipxe");
    let before = fs::read(&script).ok();
    for target in ["./images", "./images/worker"] {
        let said = place.misuses(&["publish", "images/worker", "--to", target]);
        assert!(said.contains("is in the target"), "{said}");
        assert!(!place.path("images/blobs").exists() && !place.path("images/.netboot").exists());
    }
    assert_eq!(fs::read(&script).ok(), before);
    // The hint.
    place.succeeds(&["publish", "images/worker", "--to", "./pxe"]);

    fs::create_dir(place.path("empty")).unwrap();
    place.fails(&["publish", "empty", "--to", "./fresh"]);
    assert!(!place.path("fresh").exists(), "a failure left files at a new target");
}

/// Nothing is built here: the images are there already.
#[tokio::test]
async fn existing_images_are_not_called_built() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let said = place.succeeds(&["publish", "worker", "--to", "./pxe"]).stderr;
    assert!(said.contains("worker: ready to publish, ") && said.contains("iB"), "{said}");
    assert!(said.contains("worker: scanning\n") && !said.contains("built"), "{said}");
    let bytes = said.split(|c: char| !c.is_alphanumeric()).any(|word| word == "bytes");
    assert!(!bytes, "sizes have one form: {said}");

    fs::write(place.path("worker/initrd"), "no initrd").unwrap();
    let said = place.fails(&["publish", "worker", "--to", "./pxe"]);
    assert!(said.contains("error: the image `worker` cannot be published\n  because: "), "{said}");
    assert!(!said.contains("could not build"), "{said}");
}
