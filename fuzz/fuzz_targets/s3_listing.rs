#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    netboot_publish::fuzzing::s3_listing(data);
});
