//! The kernel command line in real iPXE: which card and which source the kernel is told.

use std::sync::Arc;

use netboot_closure::boot_parameter::BootParameters;
use netboot_testbed::{IpxeOracle, OracleCase};

use super::{MIRROR, index_of, new, old, url};
use crate::images::closure_image;

/// The card of QEMU's first network card.
const CARD: &str = "52:54:00:12:34:56";

/// The command line that the kernel of the script at `location` gets.
fn command_line(oracle: &mut IpxeOracle, script: &str, location: &str) -> String {
    // The files are no kernels, so the script must not start them.
    let script = script.replace("\nboot ||", "\nexit 0 ||");
    let outer = format!("#!ipxe\nchain {location} || exit 1\n");
    let inner = format!("/t/{location}");
    let files = Arc::new(move |target: &[u8]| {
        let is_script = target == inner.as_bytes();
        Some(if is_script { script.clone().into_bytes() } else { b"kernel".to_vec() })
    });
    let observed = oracle.run(&OracleCase::new(outer.as_bytes(), files));
    let images = observed.images.iter().map(|line| String::from_utf8_lossy(line).into_owned());
    let kernel = images.clone().find(|line| line.starts_with("bzImage :"));
    let kernel = kernel.unwrap_or_else(|| panic!("{observed:?}"));
    let (_, arguments) = kernel.split_once('"').unwrap();
    arguments.trim_end_matches('"').to_owned()
}

fn oracles() -> [(IpxeOracle, bool); 3] {
    [(IpxeOracle::bookworm(), false), (IpxeOracle::trixie(), true), (IpxeOracle::sid(), true)]
}

#[test]
fn ipxe_tells_the_kernel_the_card_and_the_source() {
    let image = closure_image("worker", &["quiet"]);
    for (mut oracle, knows_directory) in oracles() {
        let builder = if knows_directory { new() } else { old() };
        let script = builder.build().unwrap().render_image(&image).unwrap();
        // The script is where a release has it, in a target at `/t/pxe/`.
        let place = "pxe/releases/r1/worker/netboot.ipxe";
        let line = command_line(&mut oracle, &script, place);
        let read = BootParameters::from_command_line(&line).unwrap();
        assert_eq!(read.index, Some(index_of("worker")), "{line}");
        assert_eq!(read.boot_interface.unwrap().to_string(), CARD);
        let root = if knows_directory {
            format!("{}/t/pxe", oracle.base())
        } else {
            MIRROR.trim_end_matches('/').to_owned()
        };
        let blob = read.from[0].blob(&index_of("worker")).to_string();
        assert_eq!(blob, format!("{root}/blobs/{}", index_of("worker")), "{line}");
        let own: Vec<&str> = line.split(' ').collect();
        assert!(own.contains(&"initrd=initrd") && own.contains(&"quiet"), "{line}");
    }
}

#[test]
fn ipxe_tells_the_kernel_the_directory_of_a_script_by_itself_and_the_mirrors() {
    let image = closure_image("worker", &[]);
    let renderer = new().closure_source(&url(MIRROR)).unwrap().build().unwrap();
    let script = renderer.render_standalone(&image).unwrap();
    for (mut oracle, knows_directory) in oracles() {
        if !knows_directory {
            continue;
        }
        let line = command_line(&mut oracle, &script, "worker/netboot.ipxe");
        let read = BootParameters::from_command_line(&line).unwrap();
        let blobs: Vec<String> =
            read.from.iter().map(|from| from.blob(&index_of("worker")).to_string()).collect();
        let expected = [format!("{}/t/worker/", oracle.base()), MIRROR.to_owned()];
        let expected = expected.map(|root| format!("{root}blobs/{}", index_of("worker")));
        assert_eq!(blobs, expected, "{line}");
    }
}
