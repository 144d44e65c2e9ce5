//! Build logs do not change a release: the same images with another log are the same release.
#![cfg(feature = "local")]

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{
    Architecture, ArtifactKind, BootSpec, BytesArtifact, Context, Image, InitPath, ProfileSpec,
    Release, layout,
};
use netboot_publish::contract::sample_pointer;
use netboot_publish::{LocalStore, Outcome, Publisher, Retention, VerifyDepth, VerifyScope};
use tempfile::TempDir;

fn release(log: Option<&str>) -> Release {
    release_of("bzImage", log)
}

fn release_of(kernel: &str, log: Option<&str>) -> Release {
    let artifact = |kind, name: &str, text: &str| {
        Arc::new(BytesArtifact::new(kind, name, text.to_owned()).unwrap())
    };
    let profile = ProfileSpec::new("worker").unwrap();
    let init = InitPath::new("/nix/store/0-worker/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    let mut image = Image::builder(&profile, boot)
        .kernel(artifact(ArtifactKind::Kernel, kernel, "kernel"))
        .initrd(artifact(ArtifactKind::Initrd, "initrd", "initrd"));
    if let Some(log) = log {
        image = image.build_log(artifact(ArtifactKind::BuildLog, "build.log", log));
    }
    let script = artifact(ArtifactKind::Script, "boot.ipxe", "#!ipxe\n");
    let image = image.build().unwrap();
    let script_of_profile = layout::profile_script(image.profile());
    Release::builder([image])
        .script(layout::boot_script(), script.clone())
        .script(script_of_profile, script)
        .build(sample_pointer())
        .unwrap()
}

#[tokio::test]
async fn the_log_that_came_first_stays() {
    let directory = TempDir::new().unwrap();
    let publisher = Publisher::new(LocalStore::new(directory.path()));
    let context = Context::new();
    let first = release(Some("built it"));
    publisher.publish(&first, &context).await.unwrap();
    let path = layout::in_release(first.id(), &layout::build_log(&"worker".parse().unwrap()));
    let log = || fs::read_to_string(directory.path().join(path.as_str())).unwrap();
    assert_eq!(log(), "built it");

    for other in [Some("all was valid already"), Some("built IT"), None] {
        let other = release(other);
        assert_eq!(other.id(), first.id());
        let plan = publisher.plan(&other, &context).await.unwrap();
        assert!(plan.is_empty(), "{plan}");
        let receipt = publisher.publish(&other, &context).await.unwrap();
        assert_eq!(receipt.outcome, Outcome::Unchanged);
        let staged = publisher.stage(&other, &context).await.unwrap();
        assert_eq!(staged.sent, 0, "{staged}");
        assert_eq!(log(), "built it");
        let report = publisher
            .verify(VerifyScope::Everything, VerifyDepth::Content, &context)
            .await
            .unwrap();
        assert!(report.is_clean(), "{report:?}");
    }

    // A damaged log does not damage the release: no publisher relies on it.
    fs::write(directory.path().join(path.as_str()), "cut").unwrap();
    let other = release(Some("built it once more"));
    publisher.publish(&other, &context).await.unwrap();
    assert_eq!(log(), "cut");
    // A lost log is written by the next staging.
    fs::remove_file(directory.path().join(path.as_str())).unwrap();
    assert_eq!(publisher.stage(&other, &context).await.unwrap().sent, 1);
    assert_eq!(log(), "built it once more");
    let report =
        publisher.verify(VerifyScope::Everything, VerifyDepth::Content, &context).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[tokio::test]
async fn a_log_goes_along_into_another_release_and_is_deleted_with_its_own() {
    let [directory, mirror] = [(); 2].map(|()| TempDir::new().unwrap());
    let publisher = Publisher::new(LocalStore::new(directory.path()));
    let context = Context::new();
    let built = release(Some("built it"));
    publisher.stage(&built, &context).await.unwrap();
    let images = publisher.images(built.id()).await.unwrap();
    assert!(images.iter().all(|image| image.build_log().is_none()));
    let images = publisher.images_with_logs(built.id(), &context).await.unwrap();
    assert_eq!(images[0].build_log().unwrap().size(), 8);

    let other = Publisher::new(LocalStore::new(mirror.path()));
    let again = again(images);
    assert_eq!(again.manifest(), built.manifest());
    other.publish(&again, &context).await.unwrap();
    let path = layout::in_release(built.id(), &layout::build_log(&"worker".parse().unwrap()));
    assert_eq!(fs::read(mirror.path().join(path.as_str())).unwrap(), b"built it");

    // The log of a release that nobody wants goes with it.
    let retention = Retention::default().with_keep_last(0).with_grace(Duration::ZERO);
    publisher.prune(&retention, &context).await.unwrap();
    assert!(!directory.path().join(layout::release(built.id()).as_str()).exists());
    let gone = other.images_with_logs(built.id(), &context).await.unwrap();
    assert!(gone[0].build_log().is_some());
    fs::remove_file(mirror.path().join(path.as_str())).unwrap();
    let gone = other.images_with_logs(built.id(), &context).await.unwrap();
    assert!(gone[0].build_log().is_none());
}

/// The release of these images once more.
fn again(images: Vec<Image>) -> Release {
    let script =
        Arc::new(BytesArtifact::new(ArtifactKind::Script, "boot.ipxe", "#!ipxe\n").unwrap());
    Release::builder(images)
        .script(layout::boot_script(), script.clone())
        .script("worker/netboot.ipxe", script)
        .build(sample_pointer())
        .unwrap()
}

#[tokio::test]
async fn a_log_that_changes_after_it_was_read_stops_no_release() {
    let [directory, mirror] = [(); 2].map(|()| TempDir::new().unwrap());
    let publisher = Publisher::new(LocalStore::new(directory.path()));
    let context = Context::new();
    let built = release(Some("built it"));
    publisher.stage(&built, &context).await.unwrap();
    let images = publisher.images_with_logs(built.id(), &context).await.unwrap();
    let path = layout::in_release(built.id(), &layout::build_log(images[0].profile()));
    fs::write(directory.path().join(path.as_str()), "built IT").unwrap();

    let other = Publisher::new(LocalStore::new(mirror.path()));
    let receipt = other.publish(&again(images), &context).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Activated);
    assert_eq!(fs::read(mirror.path().join(path.as_str())).unwrap(), b"built it");
}

#[tokio::test]
async fn an_image_goes_without_a_log_that_it_cannot_have() {
    let directory = TempDir::new().unwrap();
    let publisher = Publisher::new(LocalStore::new(directory.path()));
    let context = Context::new();
    let built = release(Some("built it"));
    publisher.stage(&built, &context).await.unwrap();
    let path = layout::in_release(built.id(), &layout::build_log(&"worker".parse().unwrap()));
    let path = directory.path().join(path.as_str());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let images = publisher.images_with_logs(built.id(), &context).await.unwrap();
    assert!(images[0].build_log().is_none());

    // Somebody puts a log beside an image whose kernel has the name of a log.
    let odd = release_of("build.log", None);
    publisher.stage(&odd, &context).await.unwrap();
    let path = layout::in_release(odd.id(), &layout::build_log(&"worker".parse().unwrap()));
    let path = directory.path().join(path.as_str());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "no kernel").unwrap();
    let images = publisher.images_with_logs(odd.id(), &context).await.unwrap();
    assert!(images[0].build_log().is_none());
    assert_eq!(again(images).id(), odd.id());
}
