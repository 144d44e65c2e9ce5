//! `netboot verify`.

use std::fs;

use netboot_core::{Context, layout};
use netboot_publish::{MinisignKey, Signer, contract};
use netboot_qemu::DirectoryServer;

use crate::place::{Place, assert_documented};

#[tokio::test]
async fn damage_is_found_and_each_remedy_is_said_once() {
    let place = Place::directory();
    let target = place.target();
    let [first, second] = place.publish(["one", "two"]).await;
    let said = place.succeeds(&["verify", &target]);
    assert!(said.stdout.starts_with(&format!("{target}: 2 releases with ")), "{said:#?}");
    assert!(said.stdout.ends_with(" files: nothing wrong\n"), "{said:#?}");

    place.damage(&place.own_blob(&first, &second).await);
    place.damage(&place.own_blob(&second, &first).await);
    let said = place.succeeds(&["verify", &target, "--quick"]);
    assert!(said.stdout.contains("nothing wrong"), "sizes are right: {said:#?}");
    let said = place.run(&["verify", &target]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.stdout.contains(" files: 2 findings\n"), "{said:#?}");
    assert_eq!(said.stdout.matches(" has digest ").count(), 2, "{said:#?}");
    assert_eq!(said.stdout.matches("what to do: ").count(), 1, "{said:#?}");

    let said = place.run(&["verify", &target, "--json"]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    let object = said.json();
    assert_documented("verify", &object);
    assert_eq!(object["clean"], false);
    assert_eq!(object["checks"][0]["findings"][0]["finding"], "wrong-digest", "{object}");
    let releases = object["checks"][0]["releases"].as_array().unwrap();
    assert_eq!(releases.len(), 2, "{object}");
}

#[tokio::test]
async fn a_mistyped_pointer_is_an_error() {
    let place = Place::directory();
    let target = place.target();
    let [_, second] = place.publish(["one", "two"]).await;
    for command in ["list", "verify", "prune", "rollback"] {
        let said = place.run(&[command, &target, "--pointer", "canari"]);
        assert_eq!(said.code, Some(1), "{command}: {said:#?}");
        let problem = format!("error: there is no pointer `canari` at `{target}`\n");
        assert!(said.stderr.starts_with(&problem), "{command}: {said:#?}");
    }
    // Activating a release with it makes the pointer.
    place.succeeds(&["activate", &target, &second.to_string(), "--pointer", "canari"]);
    place.succeeds(&["verify", &target, "--pointer", "canari"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_is_verified_as_machines_see_it() {
    let place = Place::directory();
    let [first, second] = place.publish(["one", "two"]).await;
    let server = DirectoryServer::start(place.published().join("nixos")).await.unwrap();
    let url = server.url("").to_string();
    let said = place.succeeds(&["verify", &url]);
    assert!(said.stdout.contains(": 1 release with "), "{said:#?}");
    let said = place.succeeds(&["verify", &place.target(), "--public-url", &url]);
    assert_eq!(said.stdout.matches("nothing wrong").count(), 2, "{said:#?}");

    // A server that serves another directory gives another release.
    let other = Place::directory();
    other.publish(["other"]).await;
    let said = other.run(&["verify", &other.target(), "--public-url", &url]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.stdout.contains("machines get an older"), "{said:#?}");

    place.damage(&place.own_blob(&second, &first).await);
    let said = place.run(&["verify", &url]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.stdout.contains(" has digest "), "{said:#?}");
    fs::remove_file(place.published().join("nixos/current.ipxe")).unwrap();
    let said = place.run(&["verify", &url]);
    assert_eq!(said.code, Some(3), "a URL at which nothing is passed: {said:#?}");
    drop(server);
    let said = place.fails(&["verify", &url]);
    assert!(said.contains("cannot fetch"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_needs_a_signature_of_a_named_key() {
    let place = Place::directory();
    let (key, other) = (MinisignKey::generate().unwrap(), MinisignKey::generate().unwrap());
    let write = |name: &str, key: &MinisignKey| {
        fs::write(place.path(name), key.public_key().as_str()).unwrap();
        place.path(name).display().to_string()
    };
    let (trusted, stranger) = (write("release.pub", &key), write("other.pub", &other));
    let publisher = place.publisher().await.with_signer(key);
    publisher.publish(&contract::sample_release("one"), &Context::new()).await.unwrap();
    let server = DirectoryServer::start(place.published().join("nixos")).await.unwrap();
    for target in [place.target(), server.url("").to_string()] {
        place.succeeds(&["verify", &target, "--key", &trusted]);
        let said = place.run(&["verify", &target, "--key", &stranger]);
        assert_eq!(said.code, Some(3), "{said:#?}");
        assert!(said.stdout.contains("no trusted key made its signature"), "{said:#?}");
        // Two keys have to sign, and one did.
        let keys = ["--key", &trusted, "--key", &stranger, "--threshold", "2"];
        let said = place.run(&[&["verify", &target][..], &keys].concat());
        assert_eq!(said.code, Some(3), "{said:#?}");
    }
    let said = place.misuses(&["verify", &place.target(), "--threshold", "2"]);
    assert!(said.contains("no effect without keys"), "{said}");
}

#[tokio::test]
async fn what_a_stranger_writes_cannot_act_on_the_terminal() {
    let place = Place::directory();
    place.publish(["one"]).await;
    let blobs = place.published().join("nixos").join(layout::blobs().as_str());
    fs::write(blobs.join("\u{1b}[2Jnothing wrong"), "").unwrap();
    let said = place.run(&["verify", &place.target()]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.stdout.contains("belongs to no release"), "{said:#?}");
    assert!(!said.stdout.contains('\u{1b}'), "{said:#?}");
}
