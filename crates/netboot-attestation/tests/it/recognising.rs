//! A machine runs the system that has its PCRs, or the reason says which PCR differs.

use netboot_attestation::{ExpectedBoot, PcrValues, Unrecognised, recognise};
use netboot_core::Sha256Digest;

fn pcrs(pcr_4: &str, pcr_11: &str, pcr_12: &str) -> PcrValues {
    let value = |text: &str| Sha256Digest::of(text.as_bytes());
    PcrValues::new(value(pcr_4), value(pcr_11), value(pcr_12))
}

#[test]
fn the_reason_names_the_pcr_of_the_closest_system() {
    let one = ExpectedBoot::new("one", pcrs("uki 1", "sections 1", "nothing"));
    let one = one.later_phase(Sha256Digest::of(b"sections 1, enter-initrd"));
    let two = ExpectedBoot::new("two", pcrs("uki 2", "sections 2", "nothing"));
    let expected = [one, two];
    let find = |pcr_4, pcr_11, pcr_12| {
        recognise(&pcrs(pcr_4, pcr_11, pcr_12), &expected).map(|system| system.label)
    };
    assert_eq!(find("uki 1", "sections 1", "nothing"), Ok("one"));
    assert_eq!(find("uki 1", "sections 1, enter-initrd", "nothing"), Ok("one"));
    assert_eq!(find("uki 2", "sections 2", "nothing"), Ok("two"));
    let (uki, programs, parameters) =
        (Unrecognised::OtherUki, Unrecognised::OtherPrograms, Unrecognised::OtherParameters);
    assert_eq!(find("uki 3", "sections 3", "nothing"), Err(uki));
    assert_eq!(find("uki 2", "sections 1", "nothing"), Err(programs));
    assert_eq!(find("uki 1", "sections 1", "init=/bin/sh"), Err(parameters));
    assert_eq!(recognise::<&str>(&pcrs("", "", ""), &[]).map(|it| it.label), Err(uki));
}
