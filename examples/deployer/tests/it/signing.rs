//! A service with keys: machines get an image only while the pointer and the release are trusted.

use std::fs;
use std::time::{Duration, SystemTime};

use netboot_core::Context;
use netboot_publish::{Clock, MinisignKey, Publisher, Signer};
use reqwest::StatusCode;
use reqwest::header::USER_AGENT;

use crate::service::{PATIENCE, Place, SITES, Service};
use crate::small_release::{image, renderer};

pub(crate) const MACHINE: &str = "[[machines.known]]\nname = 'node01'\n\
                       match = { mac = '52:54:00:00:00:01' }\nprofile = 'worker'\n";
pub(crate) const QUERY: &str = "/boot?mac=52:54:00:00:00:01";

/// A clock of two hours ago, which makes pointers that are too old now.
#[derive(Debug)]
struct TwoHoursAgo;

impl Clock for TwoHoursAgo {
    fn now(&self) -> SystemTime {
        SystemTime::now() - Duration::from_secs(2 * 3600)
    }
}

pub(crate) fn key_file(place: &Place) -> MinisignKey {
    let key = MinisignKey::generate().unwrap();
    fs::write(place.path("release.key"), key.to_file_text().unwrap()).unwrap();
    key
}

pub(crate) fn signing(place: &Place, key: &MinisignKey) -> Publisher {
    place.publisher(SITES[0]).with_trusted_keys(key.public_key().clone()).with_signer(key.clone())
}

async fn publish(publisher: &Publisher, kernel: &str) {
    let images = [image("worker", kernel.as_bytes())];
    let release = renderer().build().unwrap().render_release(images).unwrap();
    publisher.publish(&release, &Context::new()).await.unwrap();
}

pub(crate) async fn text(service: &Service, path: &str) -> (StatusCode, String) {
    let response = service.get(path).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// Asserts that a machine gets no image, and that the machine, a monitor and an operator see why.
async fn assert_refused(service: &Service, reason: &str) {
    let (status, script) = text(service, QUERY).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{script}");
    assert!(script.contains(reason) && !script.contains("blobs/"), "{script}");
    let for_ipxe = service.get(QUERY).header(USER_AGENT, "iPXE/1.21.1").send().await.unwrap();
    assert_eq!((for_ipxe.status(), for_ipxe.text().await.unwrap()), (StatusCode::OK, script));
    for page in ["/healthz", "/"] {
        let (_, told) = text(service, page).await;
        assert!(told.contains("trust in the live release") && told.contains(reason), "{told}");
    }
}

pub(crate) async fn assert_served(service: &Service) {
    let (status, script) = text(service, QUERY).await;
    assert_eq!(status, StatusCode::OK, "{script}");
    assert!(script.contains("/published/") && script.contains("blobs/"), "{script}");
    let (_, health) = text(service, "/healthz").await;
    assert!(!health.contains("trust in the live release"), "{health}");
}

#[tokio::test]
async fn a_machine_gets_no_image_while_the_pointer_is_not_trusted() {
    let place = Place::new("signing");
    let key = key_file(&place);
    let at = |name: &str| place.path(name).display().to_string();
    place.configure(&format!("[signing]\nkey-file = '{}'\n{MACHINE}", at("release.key")));
    let (publisher, pointer) = (signing(&place, &key), place.path(SITES[0]).join("current.ipxe"));
    publish(&publisher, "one").await;
    let old = fs::read_to_string(&pointer).unwrap();
    let service = place.start();
    assert_served(&service).await;
    publish(&publisher, "two").await;
    assert_served(&service).await;
    let new = fs::read_to_string(&pointer).unwrap();

    let (unsigned, _) = new.split_once("# netboot signature ").unwrap();
    fs::write(&pointer, unsigned).unwrap();
    assert_refused(&service, "it is not signed").await;
    fs::write(&pointer, &new).unwrap();
    assert_served(&service).await;
    fs::write(&pointer, &old).unwrap();
    assert_refused(&service, "it is an older one").await;
    drop(service);
    // The memory outlives the service.
    let service = place.start();
    assert_refused(&service, "it is an older one").await;

    fs::write(&pointer, &new).unwrap();
    let late = signing(&place, &key)
        .with_clock(TwoHoursAgo)
        .with_pointer_lifetime(Duration::from_secs(3600));
    late.refresh(&Context::new()).await.unwrap();
    assert_refused(&service, "its best-before date has passed").await;
    drop(service);
    // A service that gives pointers a lifetime renews them.
    let renewing = format!(
        "[signing]\nkey-file = '{}'\npointer-lifetime-hours = 1\n{MACHINE}",
        at("release.key")
    );
    place.configure(&renewing);
    let service = place.start();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while text(&service, QUERY).await.0 != StatusCode::OK {
        assert!(tokio::time::Instant::now() < deadline, "the pointer was not renewed");
    }
    assert_served(&service).await;
    // The file of the memory is damaged while the service does not run.
    drop(service);
    fs::write(place.path("state/pointers.json"), "{").unwrap();
    let service = place.start();
    let (_, health) = text(&service, "/healthz").await;
    assert!(health.contains("pointers.json.damaged-1"), "{health}");
    assert_served(&service).await;
}

#[test]
fn mistakes_in_the_keys_are_found_before_the_service_starts() {
    let place = Place::new("mistakes");
    let key = key_file(&place);
    let other = MinisignKey::generate().unwrap().public_key().to_string();
    let own = key.public_key().to_string();
    let file = format!("key-file = '{}'\n", place.path("release.key").display());
    let none = format!("password-file = '{}'\n", place.path("none").display());
    let check = |section: &str| {
        place.configure(&format!("[signing]\n{section}"));
        let output = place.command().arg("--check").output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for sound in [
        file.clone(),
        format!("trusted-keys = ['{other}']"),
        format!("{file}trusted-keys = ['{own}', '{other}']\nthreshold = 2"),
        format!("{file}pointer-lifetime-hours = 168\nreplace-untrusted = true"),
    ] {
        let (is_sound, said) = check(&sound);
        assert!(is_sound, "{sound}: {said}");
    }
    for (wrong, key) in [
        (String::new(), "signing: there is no key for it"),
        ("trusted-keys = ['RWQ']".to_owned(), "signing.trusted-keys: the public key"),
        (format!("trusted-keys = ['{own}', '{own}']"), "is there twice"),
        (format!("{file}trusted-keys = ['{other}']"), "the key of key-file is not among them"),
        (format!("{file}threshold = 2"), "signing.threshold: "),
        (format!("{file}threshold = 0"), "signing.threshold: "),
        (format!("{file}{none}"), "signing.password-file: "),
        (none.clone(), "signing.password-file: there is no key for it"),
        ("key-file = '/nowhere/release.key'".to_owned(), "signing.key-file: cannot read"),
        (format!("{file}pointer-lifetime-hours = 0"), "signing.pointer-lifetime-hours: "),
        (format!("{file}key = 1"), "`signing` has no key `key`"),
    ] {
        let (is_sound, said) = check(&wrong);
        assert!(
            !is_sound && said.contains(key) && said.contains("what to do: "),
            "{wrong}: {said}"
        );
        assert!(!said.contains(key_text(&place).as_str()), "the secret key is shown");
    }
}

fn key_text(place: &Place) -> String {
    let text = fs::read_to_string(place.path("release.key")).unwrap();
    text.lines().nth(1).unwrap().to_owned()
}
