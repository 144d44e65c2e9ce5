//! Build logs do not change a release: the same images with another log are the same release.
#![cfg(feature = "local")]

use std::fs;
use std::sync::Arc;

use netboot_core::{
    Architecture, ArtifactKind, BootSpec, BytesArtifact, Context, Image, InitPath, ProfileSpec,
    Release, layout,
};
use netboot_publish::contract::sample_pointer;
use netboot_publish::{LocalStore, Outcome, Publisher, VerifyDepth, VerifyScope};
use tempfile::TempDir;

fn release(log: Option<&str>) -> Release {
    let artifact = |kind, name: &str, text: &str| {
        Arc::new(BytesArtifact::new(kind, name, text.to_owned()).unwrap())
    };
    let profile = ProfileSpec::new("worker").unwrap();
    let init = InitPath::new("/nix/store/0-worker/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    let mut image = Image::builder(&profile, boot)
        .kernel(artifact(ArtifactKind::Kernel, "bzImage", "kernel"))
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

    // Publishing replaces a damaged log, together with the manifest that names it.
    fs::write(directory.path().join(path.as_str()), "cut").unwrap();
    let other = release(Some("built it once more"));
    publisher.publish(&other, &context).await.unwrap();
    assert_eq!(log(), "built it once more");
    let report =
        publisher.verify(VerifyScope::Everything, VerifyDepth::Content, &context).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}
