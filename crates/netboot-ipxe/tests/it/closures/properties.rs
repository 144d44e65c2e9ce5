//! Whatever the caller's parameters are, stage 1 reads the renderer's index.

use netboot_closure::boot_parameter::BootParameters;
use netboot_core::KernelParameter;
use netboot_ipxe::Error;
use proptest::prelude::*;

use super::{index_of, new, old, words};
use crate::images::closure_image;

/// Parameters that look like those of stage 1, among others.
fn parameter() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("netboot.index".to_owned()),
        Just("netboot.from".to_owned()),
        Just("netboot".to_owned()),
        Just(".index".to_owned()),
        Just("BOOTIF".to_owned()),
        Just("http://10.0.0.9/".to_owned()),
        Just("=".to_owned()),
        Just("\"".to_owned()),
        Just(" ".to_owned()),
        Just("--".to_owned()),
        Just("0".repeat(64)),
        "[a-z0-9.=-]{1,6}",
    ];
    prop::collection::vec(piece, 1..7).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn stage_1_reads_the_index_of_the_image(
        texts in prop::collection::vec(parameter(), 0..5),
        is_new in any::<bool>(),
    ) {
        let valid = |text: &&String| KernelParameter::new(text.as_str()).is_ok();
        let texts: Vec<&str> = texts.iter().filter(valid).map(String::as_str).collect();
        let renderer = if is_new { new() } else { old() }.build().unwrap();
        match renderer.render_image(&closure_image("worker", &texts)) {
            Ok(script) => {
                let words = words(&script).join(" ").replace("${cwduri}", "http://10.0.0.1/a/b/c/");
                let line = words.replace("${netX/mac:hexhyp}", "52-54-00-12-34-56");
                let read = BootParameters::from_command_line(&line).unwrap();
                prop_assert_eq!(read.index, Some(index_of("worker")));
                prop_assert!(!read.from.is_empty() && read.boot_interface.is_some());
                for text in texts {
                    prop_assert!(line.contains(text));
                }
            }
            Err(error) => {
                let is_typed = matches!(
                    error,
                    Error::ReservedParameter { .. }
                        | Error::BootParameter { .. }
                        | Error::Unprintable { .. }
                );
                prop_assert!(is_typed && error.hint().is_some(), "{:?}", error);
            }
        }
    }
}
