#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    netboot_publish::fuzzing::oci_artifact(data);
});
