//! Documents about images are files of their release: sent, verified, repaired and deleted with it.
#![cfg(feature = "local")]

use std::fs;
use std::time::Duration;

use netboot_core::{
    Architecture, ArtifactKind, BootSpec, BytesArtifact, Context, DocumentKind, Image, InitPath,
    ProfileSpec, Release, layout,
};
use netboot_publish::contract::sample_pointer;
use netboot_publish::{
    Error, Finding, LocalStore, Publisher, RepairSource, Retention, VerifyDepth, VerifyScope,
};
use tempfile::TempDir;

fn artifact(kind: ArtifactKind, name: &str, text: &'static str) -> BytesArtifact {
    BytesArtifact::new(kind, name, text).unwrap()
}

pub(crate) fn image(documents: &[(DocumentKind, &'static str)]) -> Image {
    let profile = ProfileSpec::new("worker").unwrap();
    let init = InitPath::new("/nix/store/0-worker/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    let image = Image::builder(&profile, boot)
        .kernel(artifact(ArtifactKind::Kernel, "bzImage", "kernel"))
        .initrd(artifact(ArtifactKind::Initrd, "initrd", "initrd"))
        .build()
        .unwrap();
    documents.iter().fold(image, |image, (kind, text)| {
        let document = artifact(ArtifactKind::Document, kind.file_name(), text);
        image.with_document(*kind, document).unwrap()
    })
}

pub(crate) fn release(images: Vec<Image>) -> Release {
    let script = || artifact(ArtifactKind::Script, "boot.ipxe", "#!ipxe\n");
    Release::builder(images)
        .script(layout::boot_script(), script())
        .script("worker/netboot.ipxe", script())
        .build(sample_pointer())
        .unwrap()
}

#[tokio::test]
async fn they_live_and_die_with_their_release() {
    let directory = TempDir::new().unwrap();
    let publisher = Publisher::new(LocalStore::new(directory.path()));
    let (context, worker) = (Context::new(), "worker".parse().unwrap());
    let plain = release(vec![image(&[])]);
    let documented = release(vec![image(&[(DocumentKind::Sbom, "{\"a\":1}")])]);
    assert_ne!(plain.id(), documented.id());
    publisher.publish(&plain, &context).await.unwrap();
    publisher.stage(&documented, &context).await.unwrap();

    let read =
        async |release: &Release, kind| publisher.document(release.id(), &worker, kind).await;
    assert_eq!(read(&plain, DocumentKind::Sbom).await.unwrap(), None);
    assert_eq!(read(&documented, DocumentKind::Provenance).await.unwrap(), None);
    let text = read(&documented, DocumentKind::Sbom).await.unwrap();
    assert_eq!(text.as_deref(), Some(&b"{\"a\":1}"[..]));

    // The images of another release take their documents along.
    let images = publisher.images(documented.id()).await.unwrap();
    assert_eq!(release(images).manifest(), documented.manifest());

    let path = layout::in_release(documented.id(), &layout::document(&worker, DocumentKind::Sbom));
    let place = directory.path().join(path.as_str());
    fs::write(&place, "{\"a\":2}").unwrap();
    let error = read(&documented, DocumentKind::Sbom).await.unwrap_err();
    assert!(matches!(error, Error::NotWhole { .. }), "{error:?}");
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Scripts);
    let report = publisher.verify(scope, depth, &context).await.unwrap();
    assert!(matches!(&report.findings[..], [Finding::WrongDigest { .. }]), "{report:?}");
    let source = RepairSource::release(&documented);
    assert!(publisher.repair(documented.id(), &[source], &context).await.unwrap().is_whole());
    let report = publisher.verify(scope, depth, &context).await.unwrap();
    assert!(report.is_clean(), "{report:?}");

    let retention = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
    publisher.prune(&retention, &context).await.unwrap();
    assert!(!place.exists() && !place.parent().unwrap().exists());
}
