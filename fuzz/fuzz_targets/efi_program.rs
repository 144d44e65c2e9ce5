#![no_main]

#[path = "../../crates/netboot-uki/tests/it/fuzzing.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzing::efi_program(data);
});
