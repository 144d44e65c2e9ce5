#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    netboot_nix::fuzzing::nix_answer(data);
});
