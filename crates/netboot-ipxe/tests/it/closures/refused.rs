//! Values that are refused, with hints that work.

use netboot_core::{COMMAND_LINE_LIMIT, Image};
use netboot_ipxe::{Error, Renderer};

use super::{MIRROR, new, old, url};
use crate::images::closure_image;

fn worker(parameters: &[&str]) -> Image {
    closure_image("worker", parameters)
}

#[test]
fn a_script_without_a_place_to_fetch_from_is_refused() {
    let renderer = Renderer::builder().build().unwrap();
    for result in [
        renderer.render_image(&worker(&[])),
        renderer.render_standalone(&worker(&[])),
        renderer.render_release([worker(&[])]).map(|release| release.id().to_string()),
    ] {
        let error = result.unwrap_err();
        let Error::NoClosureSource { profile, build } = &error else { panic!("{error:?}") };
        assert_eq!((profile.as_str(), build.as_str()), ("worker", "bookworm"));
        let hint = error.hint().unwrap();
        assert!(hint.contains("closure_source") && hint.contains("ipxe_build"), "{hint}");
    }
    // Both ways of the hint work.
    old().build().unwrap().render_image(&worker(&[])).unwrap();
    new().build().unwrap().render_image(&worker(&[])).unwrap();
}

#[test]
fn only_plain_http_is_a_source() {
    for refused in [
        "https://boot.example.org/",
        "tftp://10.0.0.1/",
        "http://user:secret@boot.example.org/",
        "http://boot.example.org/?version=1",
        "file:///srv/pxe",
    ] {
        let error = Renderer::builder().closure_source(&url(refused)).unwrap_err();
        assert!(matches!(error, Error::UnusableClosureSource { .. }), "{error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(error.hint().unwrap().contains("http://"), "{error}");
    }
    // HTTPS for the payloads is no source either, and does not hide that one is missing.
    let renderer = new().payload_url(&url("https://boot.example.org/")).unwrap();
    let error = renderer.clone().build().unwrap().render_image(&worker(&[])).unwrap_err();
    assert!(matches!(error, Error::UnusableClosureSource { .. }), "{error:?}");
    let renderer = renderer.closure_source(&url(MIRROR)).unwrap();
    renderer.build().unwrap().render_image(&worker(&[])).unwrap();
}

#[test]
fn parameters_of_stage_1_are_checked_before_a_machine_reads_them() {
    let render = |parameter: &str| {
        let renderer = old().build().unwrap();
        let of_image = renderer.render_image(&worker(&[parameter])).map(drop);
        let site = old().kernel_parameter(parameter).build().unwrap();
        let of_site = site.render_image(&worker(&[])).map(drop);
        assert_eq!(format!("{of_image:?}"), format!("{of_site:?}"));
        of_image
    };
    let digest = "0".repeat(64);
    for fake in [format!("netboot.index={digest}"), "\"netboot.index=0\"".to_owned()] {
        let error = render(&fake).unwrap_err();
        assert!(matches!(error, Error::ReservedParameter { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("boot.kernelParams"));
    }
    for malformed in [
        "netboot.from=https://boot.example.org/",
        "netboot.from=../",
        "netboot.store=disc",
        "netboot.cache-budget=0",
        "BOOTIF=eth0",
    ] {
        let error = render(malformed).unwrap_err();
        assert!(matches!(error, Error::BootParameter { .. }), "{error:?}");
        assert!(std::error::Error::source(&error).is_some() && error.hint().is_some());
    }
    for fine in [
        "netboot.store=zram",
        "netboot.cache=my-cache",
        "netboot.cache-budget=2048",
        "netboot.report=https://deployer.example.org/report?nonce=1",
        "BOOTIF=01-52-54-00-00-00-01",
        "x=\"a netboot.index=0\"",
    ] {
        render(fine).unwrap();
    }
}

#[test]
fn the_digest_of_the_index_fits_or_the_script_is_refused() {
    let render = |renderer: &Renderer, length: usize| {
        let rest = format!("b={}", "y".repeat(length.checked_sub(1002).unwrap()));
        let long = format!("a={}", "x".repeat(998));
        renderer.render_image(&worker(&[&long, &rest]))
    };
    for (renderer, room) in [(old().build().unwrap(), 0), (new().build().unwrap(), 255)] {
        let rendered = |length| render(&renderer, length);
        let limit = (1002..COMMAND_LINE_LIMIT).take_while(|length| rendered(*length).is_ok());
        let longest = limit.last().unwrap();
        let script = rendered(longest).unwrap();
        let words = super::words(&script).join(" ");
        // `${netX/mac:hexhyp}` is one byte longer than an address.
        let actual = "bzImage ".len() + words.len() + room;
        assert_eq!(actual, COMMAND_LINE_LIMIT, "{words}");
        let error = rendered(longest + 1).unwrap_err();
        assert!(matches!(error, Error::CommandLineTooLong { .. }), "{error:?}");
    }
    let many: Vec<String> = (0..247).map(|number| format!("p{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let renderer = old().build().unwrap();
    // `init=`, `initrd=`, `BOOTIF=`, `ip=`, `netboot.from=` and `netboot.index=` are six words
    // more.
    assert!(renderer.render_image(&worker(&many)).is_ok());
    let more: Vec<&str> = many.iter().copied().chain(["a", "b"]).collect();
    let error = renderer.render_image(&worker(&more)).unwrap_err();
    assert!(matches!(error, Error::TooManyArguments { .. }), "{error:?}");
}
