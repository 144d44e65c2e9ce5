//! The function of the fuzz target `efi_program`. The target in `fuzz/` includes this file. The
//! function returns true if the bytes were accepted.

use netboot_uki::{AddonStub, Certificate, EfiProgram, Stub, UkiFile};

/// The certificate whose key signed one of the seeds.
const CERTIFICATE: &[u8] = include_bytes!("../fuzzing.crt");

/// The digest of the signed seed.
const SIGNED: &str = "dd31d10c18b3952918928324cbbd169c28bfb58d7c9b82bdf206d973b8985f12";

/// A program is read within its bytes, as a stub too, and a signature is verified without a panic.
pub(crate) fn efi_program(data: &[u8]) -> bool {
    let is_stub = Stub::parse("fuzzed.efi", data.to_vec()).is_ok();
    let is_addon_stub = AddonStub::parse("fuzzed.efi", data.to_vec()).is_ok();
    assert!(!is_stub || !is_addon_stub);
    let Ok(program) = EfiProgram::parse("fuzzed.efi", data) else { return false };
    for section in program.sections() {
        let end = u64::from(section.offset) + u64::from(section.size);
        assert!(section.size == 0 || end <= data.len() as u64);
    }
    let trusted = Certificate::parse("fuzzing.crt", CERTIFICATE).unwrap();
    if program.verify(&[trusted]).is_ok() {
        // The fuzzer has no key, so that it can make no other program with this signature.
        assert_eq!(program.sha256().to_string(), SIGNED);
    }
    if let Ok(uki) = UkiFile::parse("fuzzed.efi", data) {
        assert_eq!(uki.program().sha256(), program.sha256());
        let texts = [uki.command_line(), uki.uname(), uki.os_release()];
        assert!(texts.iter().flatten().all(|text| !text.contains('\x1b')));
    }
    true
}

#[test]
fn the_fuzz_target_takes_its_seeds() {
    netboot_testbed::each_fuzz_seed("efi_program", efi_program);
}
