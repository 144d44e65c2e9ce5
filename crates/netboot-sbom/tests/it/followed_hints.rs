//! Each hint is followed, and then the work succeeds.

use netboot_core::DocumentKind;
use netboot_sbom::{Bill, sbom, with_documents};

use crate::sample::{NAR_HASH, begin, materials, prebuilt, store_path};

#[test]
fn an_sbom_that_was_written_again_is_read() {
    let error = Bill::parse(b"<html>").unwrap_err();
    assert!(error.hint().unwrap().contains("build and publish the release again"), "{error:?}");
    let image = with_documents(prebuilt(), &[DocumentKind::Sbom]).unwrap();
    let document = &image.documents()[&DocumentKind::Sbom];
    assert_eq!(document.file_name().as_str(), "sbom.cdx.json");
    Bill::parse(&netboot_sbom::sbom(&prebuilt()).unwrap()).unwrap();
}

#[test]
fn an_image_with_hashes_as_nix_writes_them_gets_its_sbom() {
    let with_hash = |hash: &str| {
        let mut materials = materials(&[("a-1", 1)]);
        materials.store_paths.get_mut(&store_path("a-1")).unwrap().nar_hash = hash.to_owned();
        sbom(&begin().materials(materials).build().unwrap())
    };
    let error = with_hash("sha256:e3b0c44298fc1c14").unwrap_err();
    assert!(error.hint().unwrap().contains("`sha256-` and the digest in Base64"), "{error:?}");
    with_hash(NAR_HASH).unwrap();
}
