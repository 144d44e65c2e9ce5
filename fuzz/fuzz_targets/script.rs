#![no_main]

#[path = "../../crates/ipxe-script/tests/it/fuzzing.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzing::script(data);
});
