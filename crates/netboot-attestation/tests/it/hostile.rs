//! Evidence that is damaged, or made to harm: typed errors, and never a vouched value.

use std::sync::LazyLock;

use netboot_attestation::{AttestationKey, Error, Evidence, PcrValues};
use netboot_core::{BackendError, Sha256Digest};
use netboot_testbed::SoftwareTpm;
use proptest::prelude::*;

use crate::software_tpm::pcrs;

struct Sound {
    key: Vec<u8>,
    quote: Vec<u8>,
    signature: Vec<u8>,
    pcrs: PcrValues,
}

/// A sound quote.
static SOUND: LazyLock<Sound> = LazyLock::new(|| {
    let tpm = SoftwareTpm::start().with_attestation_key("ecc", "ecdsa");
    tpm.quote("sha256:4,11,12", &[7; 32]);
    let [key, quote, signature] = ["ak.pub", "quote.msg", "quote.sig"].map(|it| tpm.read(it));
    Sound { key, quote, signature, pcrs: pcrs(&tpm) }
});

fn verify(key: &[u8], quote: &[u8], signature: &[u8]) -> Result<(), Error> {
    Evidence { key, quote, signature, pcrs: SOUND.pcrs }.verify().map(drop)
}

#[test]
fn another_signature_is_refused() {
    let sound = &*SOUND;
    verify(&sound.key, &sound.quote, &sound.signature).unwrap();
    let mut signature = sound.signature.clone();
    *signature.last_mut().unwrap() ^= 1;
    let refused = verify(&sound.key, &sound.quote, &signature).unwrap_err();
    assert!(matches!(refused, Error::WrongSignature));
    assert_eq!(refused.hint().unwrap(), "quote with the key whose public area is sent along");
    let long = vec![0; 4096];
    for (key, quote, signature) in [
        (&long, &sound.quote, &sound.signature),
        (&sound.key, &long, &sound.signature),
        (&sound.key, &sound.quote, &long),
    ] {
        assert!(matches!(verify(key, quote, signature), Err(Error::TooLarge { .. })));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..1100)) {
        let sound = &*SOUND;
        let _ = AttestationKey::parse(&bytes);
        prop_assert!(verify(&bytes, &sound.quote, &sound.signature).is_err());
        prop_assert!(verify(&sound.key, &bytes, &sound.signature).is_err());
        prop_assert!(verify(&sound.key, &sound.quote, &bytes).is_err());
    }

    /// A changed byte of the key gives another key, or one that is refused. A changed byte of the
    /// rest is refused.
    #[test]
    fn a_changed_byte_is_never_vouched_for(part in 0..3_usize, at in any::<prop::sample::Index>(),
                                           bits in 1..=255_u8) {
        let sound = &*SOUND;
        let mut parts = [sound.key.clone(), sound.quote.clone(), sound.signature.clone()];
        let at = at.index(parts[part].len());
        parts[part][at] ^= bits;
        let digest = |key: &[u8]| AttestationKey::parse(key).map(|key| key.digest()).ok();
        let is_other_key = part == 0 && digest(&parts[0]) != digest(&sound.key);
        let [key, quote, signature] = &parts;
        prop_assert!(is_other_key || verify(key, quote, signature).is_err());
    }

    #[test]
    fn a_part_that_is_cut_off_or_longer_is_refused(part in 0..3_usize,
                                                   at in any::<prop::sample::Index>()) {
        let sound = &*SOUND;
        let sound = [&sound.key, &sound.quote, &sound.signature].map(Clone::clone);
        for longer in [false, true] {
            let mut parts = sound.clone();
            let length = parts[part].len();
            parts[part].resize(if longer { length + 1 } else { at.index(length) }, 0);
            prop_assert!(verify(&parts[0], &parts[1], &parts[2]).is_err());
        }
    }

    #[test]
    fn other_values_are_refused(value in any::<[u8; 32]>(), at in 0..3_usize) {
        let sound = &*SOUND;
        let mut values = sound.pcrs.values();
        let value = Sha256Digest::from_bytes(value);
        prop_assume!(values[at] != value);
        values[at] = value;
        let [pcr_4, pcr_11, pcr_12] = values;
        let pcrs = PcrValues::new(pcr_4, pcr_11, pcr_12);
        let Sound { key, quote, signature, .. } = sound;
        let refused = Evidence { key, quote, signature, pcrs }.verify();
        prop_assert!(matches!(refused, Err(Error::OtherPcrs)));
    }
}
