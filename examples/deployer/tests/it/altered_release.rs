//! Somebody who can write to the target alters the kernel of the live release. No machine gets it.

use std::fs;

use netboot_core::{Context, Release, layout};
use netboot_publish::{Publisher, Signer};
use reqwest::StatusCode;
use reqwest::header::USER_AGENT;

use crate::service::{Place, SITES, Service};
use crate::signing::{MACHINE, QUERY, assert_served, key_file, signing, text};
use crate::small_release::{image, renderer};

fn release(kernel: &str) -> Release {
    renderer().build().unwrap().render_release([image("worker", kernel.as_bytes())]).unwrap()
}

/// The path of a release's manifest below the root of the target.
fn manifest_of(release: &Release) -> String {
    layout::in_release(release.id(), &layout::manifest()).to_string()
}

fn json(release: &Release) -> String {
    String::from_utf8(release.manifest().to_json().unwrap()).unwrap()
}

fn kernel_of(release: &Release) -> String {
    release.manifest().images()["worker"].kernel.sha256.to_string()
}

/// A service whose machine boots the release `sound`. All objects of the release `evil` are at the
/// target too.
struct Attacked {
    place: Place,
    service: Service,
    sound: Release,
    evil: Release,
}

impl Attacked {
    async fn new(place: Place, publisher: &Publisher) -> Self {
        let [sound, evil] = ["one", "bad"].map(release);
        publisher.publish(&sound, &Context::new()).await.unwrap();
        // The attacker has no key.
        place.publisher(SITES[0]).stage(&evil, &Context::new()).await.unwrap();
        let service = place.start();
        let attacked = Self { place, service, sound, evil };
        attacked.assert_sound().await;
        attacked
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.place.path(SITES[0]).join(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.place.path(SITES[0]).join(path), text).unwrap();
    }

    async fn assert_sound(&self) {
        assert_served(&self.service).await;
        let (_, script) = text(&self.service, QUERY).await;
        assert!(script.contains(&kernel_of(&self.sound)), "{script}");
    }

    /// Asserts that the machine gets a notice with the reason, and that the service still works.
    async fn assert_refused(&self, status: StatusCode, reason: &str) {
        let (found, script) = text(&self.service, QUERY).await;
        assert_eq!(found, status, "{script}");
        assert!(script.contains("this machine gets no image: "), "{script}");
        assert!(script.contains(reason), "no `{reason}` in:\n{script}");
        for never in [&kernel_of(&self.evil), "blobs/", "\nkernel ", "\nboot"] {
            assert!(!script.contains(never), "`{never}` in:\n{script}");
        }
        let for_ipxe = self.service.get(QUERY).header(USER_AGENT, "iPXE/1.21.1").send().await;
        let for_ipxe = for_ipxe.unwrap();
        assert_eq!((for_ipxe.status(), for_ipxe.text().await.unwrap()), (StatusCode::OK, script));
        let (_, told) = text(&self.service, "/healthz").await;
        assert!(told.contains(reason), "{told}");
    }

    /// Alters the manifest of the live release in several ways.
    async fn alter_the_manifest(&self) {
        let path = manifest_of(&self.sound);
        let (sound, evil) = (self.read(&path), json(&self.evil));
        let ids = [&self.sound, &self.evil].map(|release| release.id().to_string());
        let [kernel, evil_kernel] = [&self.sound, &self.evil].map(kernel_of);
        for (altered, reason) in [
            (sound.replace(&kernel, &evil_kernel), "but its parts make release"),
            // The whole manifest of the other release, with the id of the live release.
            (evil.replace(&ids[1], &ids[0]), "but its parts make release"),
            // The whole manifest of the other release, with its own id.
            (evil, &format!("it is the manifest of release {},", self.evil.id().short())),
        ] {
            assert!(altered.contains(&evil_kernel), "{altered}");
            self.write(&path, &altered);
            self.assert_refused(StatusCode::INTERNAL_SERVER_ERROR, reason).await;
        }
        self.write(&path, &sound);
        self.assert_sound().await;
    }
}

#[tokio::test]
async fn without_keys_no_machine_gets_an_altered_kernel_under_the_id_of_the_live_release() {
    let place = Place::new("altered");
    place.configure(MACHINE);
    let publisher = place.publisher(SITES[0]);
    Attacked::new(place, &publisher).await.alter_the_manifest().await;
}

#[tokio::test]
async fn with_keys_no_machine_gets_a_kernel_that_was_not_signed() {
    let place = Place::new("altered");
    let key = key_file(&place);
    let trusted = key.public_key().to_string();
    place.configure(&format!("[signing]\ntrusted-keys = ['{trusted}']\n{MACHINE}"));
    let publisher = signing(&place, &key);
    let attacked = Attacked::new(place, &publisher).await;
    attacked.alter_the_manifest().await;

    // The pointer names the release of the attacker, whose id is right.
    let sound = attacked.read("current.ipxe");
    let ids = [&attacked.sound, &attacked.evil].map(|release| release.id().to_string());
    let rewritten = sound.replace(&ids[0], &ids[1]);
    assert!(rewritten.contains(&ids[1]), "{rewritten}");
    let (unsigned, _) = rewritten.split_once("# netboot signature ").unwrap();
    for (pointer, reason) in
        [(unsigned, "it is not signed"), (&rewritten, "its signature does not match its text")]
    {
        attacked.write("current.ipxe", pointer);
        attacked.assert_refused(StatusCode::SERVICE_UNAVAILABLE, reason).await;
    }
    attacked.write("current.ipxe", &sound);
    attacked.assert_sound().await;
    // The pointer is signed, but the manifest is not.
    let path = format!("{}.minisig", manifest_of(&attacked.sound));
    fs::remove_file(attacked.place.path(SITES[0]).join(path)).unwrap();
    let release = attacked.sound.id().short();
    let reason = format!("release {release} is not trusted: it is not signed");
    attacked.assert_refused(StatusCode::SERVICE_UNAVAILABLE, &reason).await;
}
