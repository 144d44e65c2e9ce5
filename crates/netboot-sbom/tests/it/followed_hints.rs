//! Each hint is followed, and then the work succeeds.

use netboot_core::DocumentKind;
use netboot_sbom::{Bill, with_documents};

use crate::sample::prebuilt;

#[test]
fn an_sbom_that_was_written_again_is_read() {
    let error = Bill::parse(b"<html>").unwrap_err();
    assert!(error.hint().unwrap().contains("build and publish the release again"), "{error:?}");
    let image = with_documents(prebuilt(), &[DocumentKind::Sbom]).unwrap();
    let document = &image.documents()[&DocumentKind::Sbom];
    assert_eq!(document.file_name().as_str(), "sbom.cdx.json");
    Bill::parse(&netboot_sbom::sbom(&prebuilt()).unwrap()).unwrap();
}
