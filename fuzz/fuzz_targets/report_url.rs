#![no_main]

#[path = "../../examples/deployer/src/fuzzing.rs"]
mod fuzzing;
#[path = "../../examples/deployer/src/identity.rs"]
mod identity;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzing::report_url(data);
});
