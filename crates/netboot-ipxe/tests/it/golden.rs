//! The exact output of the built-in templates.

use std::path::Path;
use std::time::Duration;

use ipxe_script::IpxeBuild;
use netboot_core::layout;
use netboot_ipxe::{Renderer, lint};

use crate::golden_file::assert_golden;
use crate::images::image;

#[test]
fn the_scripts_of_a_release() {
    let images = [
        image("worker", "PlasmaCloud worker", &["console=ttyS0,115200", "loglevel=4"], &["initrd"]),
        image("layered", "Layers, \"quoted\"", &["dyndbg=\"file a.c +p\""], &["base", "etc"]),
    ];
    let renderer = Renderer::builder().menu_timeout(Duration::from_secs(7)).build().unwrap();
    for image in &images {
        let profile = image.profile();
        assert_golden(&format!("{profile}.ipxe"), &renderer.render_image(image).unwrap());
        let standalone = renderer.render_standalone(image).unwrap();
        assert_golden(&format!("{profile}-standalone.ipxe"), &standalone);
        let entry = renderer.render_profile_entry(profile).unwrap();
        assert_golden(&format!("{profile}-entry.ipxe"), &entry);
    }
    assert_golden("menu.ipxe", &renderer.render_menu(&images).unwrap());
    assert_golden("boot-entry.ipxe", &renderer.render_boot_entry().unwrap());

    let release = renderer.render_release(images).unwrap();
    let pointer = String::from_utf8(release.pointer().to_vec()).unwrap();
    assert_golden("pointer.ipxe", &pointer);
    let files: Vec<&str> = release.files().keys().map(netboot_core::ReleasePath::as_str).collect();
    assert_eq!(files, ["boot.ipxe", "layered/netboot.ipxe", "worker/netboot.ipxe"]);
    let entries: Vec<&str> =
        release.entry_points().keys().map(netboot_core::ReleasePath::as_str).collect();
    assert_eq!(entries, files);
    assert_eq!(release.blobs().len(), 4);
    assert!(release.files().contains_key(&layout::boot_script()));
}

#[test]
fn the_same_images_make_the_same_release() {
    let release = || {
        let renderer = Renderer::builder().build().unwrap();
        renderer.render_release([image("a", "A", &["x=1"], &["initrd"])]).unwrap()
    };
    assert_eq!(release().id(), release().id());
    assert_eq!(release().manifest().to_json().unwrap(), release().manifest().to_json().unwrap());
}

#[test]
fn no_built_in_script_has_a_finding() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let able: IpxeBuild = "sid-efi".parse().unwrap();
    let able = able.customize("able").command("imgtrust").option("imgtrust", "allow");
    let able = able.command("imgverify").build().unwrap();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "ipxe") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let build = match name.split('-').next() {
            Some("verified") => able.clone(),
            // They use the directory of the script, which builds of 2019 do not know.
            Some("sid") => "sid".parse().unwrap(),
            _ => IpxeBuild::default(),
        };
        let script = std::fs::read_to_string(&path).unwrap();
        let findings = lint(&script, &build);
        let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{name}: {findings:#?}");
    }
}
