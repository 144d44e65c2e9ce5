#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    netboot_sbom::fuzzing::sbom(data);
});
