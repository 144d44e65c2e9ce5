//! `netboot list --pcrs`.

use std::fs;
use std::sync::Arc;

use netboot_core::{
    ArtifactKind, BytesArtifact, Context, FileArtifact, KernelCommandLine, ReleaseId, layout,
};
use netboot_ipxe::Renderer;
use netboot_publish::contract::sample_image;
use netboot_testbed::DebianTree;
use netboot_uki::{BootPath, EfiProgram, MeasuredUki, Stub, Uki};

use crate::place::Place;

/// Publishes an image with a UKI and one without. The kernel in the UKI is a stub, which is small.
async fn publish(place: &Place, generation: &str) -> (ReleaseId, MeasuredUki) {
    let (context, stub) = (Context::new(), DebianTree::systemd_efi("linuxx64.efi.stub"));
    let image = sample_image("all-in-one", generation);
    let kernel = BytesArtifact::new(ArtifactKind::Kernel, "bzImage", fs::read(&stub).unwrap());
    let line = KernelCommandLine::new(image.boot().init(), &[]).unwrap();
    let uki = Uki::builder(Stub::read(&stub).unwrap(), Arc::new(kernel.unwrap()), &line)
        .initrd(Arc::clone(&image.initrds()[0]))
        .build()
        .await
        .unwrap();
    let path = place.path(&format!("{generation}.efi"));
    uki.write(&path, &context).await.unwrap();
    let file =
        FileArtifact::open(ArtifactKind::Uki, "all-in-one.efi", &path, &context).await.unwrap();
    let images = [image.with_uki(file).unwrap(), sample_image("control-plane", generation)];
    let release = Renderer::builder().build().unwrap().render_release(images).unwrap();
    place.publisher().await.publish(&release, &context).await.unwrap();
    (*release.id(), MeasuredUki::open(path).unwrap())
}

#[tokio::test]
async fn the_pcrs_are_those_of_each_way_to_boot() {
    let place = Place::directory();
    let (one, _) = publish(&place, "one").await;
    let (two, measured) = publish(&place, "two").await;
    let target = place.target();
    let object = place.succeeds(&["list", "--pcrs", &target, "--json"]).json();
    let ukis = object["ukis"].as_array().unwrap();
    let mut releases: Vec<&str> = ukis.iter().map(|uki| uki["release"].as_str().unwrap()).collect();
    releases.sort_unstable();
    let mut expected = [one.to_string(), two.to_string()];
    expected.sort();
    assert_eq!(releases, expected);

    let object = place.succeeds(&["list", "--pcrs", &target, &two.short(), "--json"]).json();
    let [uki] = &object["ukis"].as_array().unwrap()[..] else { panic!("{object}") };
    assert_eq!(
        (&uki["profile"], uki["boots"].as_array().unwrap().len()),
        (&"all-in-one".into(), 2)
    );
    let text = place.succeeds(&["list", "--pcrs", &target, &two.short()]).stdout;
    for (boot, path) in uki["boots"]
        .as_array()
        .unwrap()
        .iter()
        .zip([BootPath::secure_boot(), BootPath::without_secure_boot()])
    {
        let pcrs = measured.predict(&path).unwrap();
        assert_eq!(boot["secure_boot"], path.is_secure_boot());
        for (number, value) in [("4", pcrs.pcr_4), ("11", pcrs.pcr_11), ("12", pcrs.pcr_12)] {
            assert_eq!(boot["pcrs"][number], value.to_string());
            assert!(text.contains(&format!("PCR {number:<2} {value}\n")), "{text}");
        }
    }

    let ipxe = DebianTree::TRIXIE_IPXE.path("usr/lib/ipxe/ipxe.efi");
    let ipxe = ipxe.to_str().unwrap();
    let by_ipxe = ["list", "--pcrs", &target, &two.short(), "--ipxe", ipxe, "--json"];
    let object = place.succeeds(&by_ipxe).json();
    let boots = object["ukis"][0]["boots"].as_array().unwrap();
    let path = BootPath::secure_boot().ipxe(&EfiProgram::open(ipxe).unwrap());
    let pcrs = measured.predict(&path).unwrap();
    assert_eq!((boots.len(), &boots[0]["by_ipxe"]), (1, &true.into()));
    assert_eq!(boots[0]["pcrs"]["4"], pcrs.pcr_4.to_string());
}

#[tokio::test]
async fn a_uki_that_the_target_has_altered_is_refused() {
    let place = Place::directory();
    let (release, _) = publish(&place, "one").await;
    let manifest = place.publisher().await.manifest(&release).await.unwrap();
    let (_, image) = manifest.images().iter().find(|(_, it)| it.uki.is_some()).unwrap();
    place.damage(&layout::blob(&image.uki.as_ref().unwrap().sha256));
    let said = place.run(&["list", "--pcrs", &place.target()]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:#?}");
    assert!(said.stderr.contains("cannot read `all-in-one.efi`"), "{said:#?}");
    assert!(said.stderr.contains("its bytes do not have the SHA-256 digest"), "{said:#?}");
}

#[tokio::test]
async fn a_target_without_ukis_says_so() {
    let place = Place::directory();
    let [release] = place.publish(["one"]).await;
    let said = place.succeeds(&["list", "--pcrs", &place.target()]);
    assert_eq!(said.stdout, "No image has a UKI.\n");
    let object = place.succeeds(&["list", "--pcrs", &place.target(), "--json"]).json();
    assert_eq!(object["ukis"], serde_json::json!([]));
    // The options belong together.
    place.misuses(&["list", &place.target(), &release.short()]);
    place.misuses(&["list", &place.target(), "--ipxe", "ipxe.efi"]);
    let said = place.fails(&["list", "--pcrs", &place.target(), "--ipxe", "/no/such/file"]);
    assert!(said.contains("the file of `--ipxe` cannot be used"), "{said}");
}
