#![no_main]

#[path = "../../crates/netboot-closure/tests/it/fuzzing.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzing::console_line(data);
});
