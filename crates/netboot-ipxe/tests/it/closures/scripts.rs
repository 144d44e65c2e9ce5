//! The exact scripts, and the places that machines fetch from.

use netboot_core::{Image, ProfileName, layout};
use netboot_ipxe::{Renderer, RendererBuilder};

use super::{MIRROR, index_of, new, old, read_by_stage_1, url, values, words};
use crate::golden_file::assert_golden;
use crate::images::{closure_image, image};

/// The directory of the script of a release.
const DIRECTORY: &str = "http://10.0.0.1/pxe/releases/r1/worker/";

fn worker() -> Image {
    closure_image("worker", &["console=ttyS0,115200", "loglevel=4"])
}

fn sources(builder: RendererBuilder) -> Vec<String> {
    let script = builder.build().unwrap().render_image(&worker()).unwrap();
    values(&words(&script), "netboot.from").into_iter().map(str::to_owned).collect()
}

#[test]
fn the_scripts_of_closures() {
    let (old, new) = (old().build().unwrap(), new().build().unwrap());
    assert_golden("closure.ipxe", &old.render_image(&worker()).unwrap());
    assert_golden("closure-standalone.ipxe", &old.render_standalone(&worker()).unwrap());
    assert_golden("sid-closure.ipxe", &new.render_image(&worker()).unwrap());
    assert_golden("sid-closure-standalone.ipxe", &new.render_standalone(&worker()).unwrap());
    let images = [worker(), image("plain", "Plain", &[], &["initrd"])];
    assert_golden("closure-menu.ipxe", &old.render_menu(&images).unwrap());
}

#[test]
fn a_release_has_the_index_that_its_script_names() {
    let release = old().build().unwrap().render_release([worker()]).unwrap();
    let closure = worker();
    let closure = closure.closure().unwrap();
    for artifact in closure.artifacts() {
        assert!(release.blobs().contains_key(&artifact.sha256()), "{artifact:?}");
    }
    let name: ProfileName = "worker".parse().unwrap();
    let manifest = release.manifest();
    assert_eq!(
        manifest.images()[&name].closure.as_ref().unwrap().index.sha256,
        closure.index.sha256()
    );
    assert!(release.files().contains_key(&layout::profile_script(&name)));
}

#[test]
fn the_index_and_the_card_reach_stage_1() {
    for builder in [old(), new()] {
        let script = builder.build().unwrap().render_image(&worker()).unwrap();
        let read = read_by_stage_1(&words(&script), DIRECTORY);
        assert_eq!(read.index, Some(index_of("worker")));
        assert_eq!(read.boot_interface.unwrap().to_string(), "52:54:00:12:34:56");
        assert_eq!(values(&words(&script), "ip"), [":::::BOOTIF:dhcp"]);
        assert_eq!(values(&words(&script), "initrd"), ["initrd"]);
        assert!(words(&script)[0].starts_with("init="));
        assert!(words(&script).last().unwrap().starts_with("netboot.index="));
    }
}

#[test]
fn blobs_are_in_the_target_that_the_script_came_from() {
    let blob = |script: &str, directory: &str| {
        let read = read_by_stage_1(&words(script), directory);
        read.from[0].blob(&index_of("worker")).to_string()
    };
    let renderer = new().build().unwrap();
    let index = index_of("worker");
    let script = renderer.render_image(&worker()).unwrap();
    assert_eq!(blob(&script, DIRECTORY), format!("http://10.0.0.1/pxe/blobs/{index}"));
    // A directory with the script, the kernel and the initrd has the blobs below it.
    let script = renderer.render_standalone(&worker()).unwrap();
    let directory = "http://10.0.0.1/worker/";
    assert_eq!(blob(&script, directory), format!("http://10.0.0.1/worker/blobs/{index}"));
}

#[test]
fn the_own_directory_comes_before_the_mirrors() {
    let own = "${cwduri}../../../";
    let second = "http://10.0.0.2:8080/x/";
    let mirrored = |builder: RendererBuilder| {
        let builder = builder.closure_source(&url(MIRROR)).unwrap();
        builder.closure_source(&url(second)).unwrap()
    };
    assert_eq!(sources(new()), [own]);
    assert_eq!(sources(mirrored(new())), [own, MIRROR, second]);
    assert_eq!(sources(mirrored(Renderer::builder())), [MIRROR, second]);
    assert_eq!(sources(Renderer::builder().ipxe_build("trixie-efi")), [own]);
    assert_eq!(sources(Renderer::builder().ipxe_build("ipxe-2.0")), [own]);
    // The payloads may be somewhere else than the script.
    let payloads = "http://cdn.example.org/a";
    let elsewhere = |builder: RendererBuilder| builder.payload_url(&url(payloads)).unwrap();
    assert_eq!(sources(mirrored(elsewhere(new()))), [payloads, MIRROR, second]);
    assert_eq!(sources(elsewhere(Renderer::builder())), [payloads]);
    // Each place is there once.
    assert_eq!(sources(old().payload_url(&url(MIRROR)).unwrap()), [MIRROR]);
    // iPXE may fetch the kernel over HTTPS, and stage 1 its blobs over HTTP.
    let secure = old().ipxe_build("sid");
    let secure = secure.payload_url(&url("https://cdn.example.org/")).unwrap();
    assert_eq!(sources(secure), [MIRROR]);
}

#[test]
fn a_configuration_may_name_the_source_and_the_address_itself() {
    let own = "ip=10.0.0.5::10.0.0.1:255.255.255.0::BOOTIF:none";
    let image = closure_image("worker", &["netboot.from=http://10.0.0.9/", own]);
    let script = Renderer::builder().build().unwrap().render_image(&image).unwrap();
    assert_eq!(values(&words(&script), "netboot.from"), ["http://10.0.0.9/"]);
    assert_eq!(words(&script).iter().filter(|word| word.starts_with("ip=")).count(), 1);
    // It is tried first.
    let script = old().build().unwrap().render_image(&image).unwrap();
    assert_eq!(values(&words(&script), "netboot.from"), ["http://10.0.0.9/", MIRROR]);
}

#[test]
fn other_images_name_the_card_only_if_asked() {
    let image = image("plain", "Plain", &["quiet"], &["initrd"]);
    let script = |builder: RendererBuilder| builder.build().unwrap().render_image(&image).unwrap();
    let plain = script(Renderer::builder());
    assert_eq!(script(old()), plain, "sources change nothing for an image without a closure");
    assert!(!plain.contains("BOOTIF"));
    let told = script(Renderer::builder().boot_card(true));
    assert_eq!(words(&told)[2..], ["BOOTIF=01-${netX/mac:hexhyp}", "quiet"]);
}
