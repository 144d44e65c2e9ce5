#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    netboot_stage1::fuzzing::http_answer(data);
});
