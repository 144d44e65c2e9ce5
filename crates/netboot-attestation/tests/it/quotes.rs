//! Quotes of a TPM, made and checked by tpm2-tools.

use netboot_attestation::{AttestationKey, Error, Nonce};
use netboot_core::BackendError;
use netboot_testbed::SoftwareTpm;

use crate::software_tpm::{measure, pcrs as pcrs_of, verify};

const NONCE: [u8; 32] = [0xa5; 32];

fn quotes_are_verified(algorithm: &str, scheme: &str) {
    let tpm = SoftwareTpm::start().with_attestation_key(algorithm, scheme);
    for (pcr, bytes) in [(4, "uki"), (11, ".linux"), (12, "quiet"), (7, "other")] {
        measure(&tpm, pcr, bytes.as_bytes());
    }
    tpm.quote("sha256:4,11,12", &NONCE);
    let pcrs = pcrs_of(&tpm);
    let vouched = verify(&tpm, pcrs).unwrap();
    assert_eq!((vouched.pcrs, vouched.nonce), (pcrs, Nonce::from_bytes(NONCE)));

    // tpm2-tools agree about the key's name and about the quote.
    let key = AttestationKey::parse(&tpm.read("ak.pub")).unwrap();
    assert_eq!(vouched.key, key.digest());
    let shown = tpm.run("tpm2_readpublic", &["-c", "ak.ctx"]);
    assert!(shown.contains(&format!("name: 000b{}", key.digest())), "{shown}");
    let nonce = hex::encode(NONCE);
    let files = ["-u", "ak.pub", "-m", "quote.msg", "-s", "quote.sig", "-f", "quote.pcrs"];
    let check =
        |nonce: &str| tpm.run_tool("tpm2_checkquote", &[&files[..], &["-q", nonce]].concat());
    let (agrees, printed) = check(&nonce);
    assert!(agrees, "{printed}");
    assert!(!check(&nonce.replace('a', "b")).0);

    // Other values than those that the TPM signed.
    measure(&tpm, 11, b"enter-initrd");
    let later = pcrs_of(&tpm);
    let refused = verify(&tpm, later).unwrap_err();
    assert!(matches!(refused, Error::OtherPcrs));
    let hint = "read the PCRs and quote at a moment when nothing extends them";
    assert_eq!(refused.hint().unwrap(), hint);
    tpm.quote("sha256:4,11,12", &NONCE);
    verify(&tpm, later).unwrap();

    // Data that is no nonce, and other PCRs.
    tpm.quote("sha256:4,11,12", &NONCE[..31]);
    assert!(matches!(verify(&tpm, later), Err(Error::OldNonce)));
    for other in ["sha256:4,11", "sha256:4,11,12,13", "sha1:4,11,12", "sha1:4+sha256:4,11,12"] {
        tpm.quote(other, &NONCE);
        let refused = verify(&tpm, later).unwrap_err();
        assert!(refused.to_string().contains("of other PCRs than 4, 11 and 12"), "{refused}");
        let hint = refused.hint().unwrap();
        assert!(hint.contains("`tpm2_createak -G rsa -g sha256 -s rsassa`"), "{hint}");
        assert!(hint.contains("`tpm2_quote -l sha256:4,11,12 -g sha256`"), "{hint}");
    }
}

#[test]
fn a_quote_by_an_rsa_key_is_verified() {
    quotes_are_verified("rsa", "rsassa");
}

#[test]
fn a_quote_by_a_key_of_an_elliptic_curve_is_verified() {
    quotes_are_verified("ecc", "ecdsa");
}

#[test]
fn a_key_that_signs_anything_is_refused() {
    let tpm = SoftwareTpm::start();
    tpm.run("tpm2_createprimary", &["-c", "primary.ctx"]);
    let attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign";
    let key =
        ["-G", "rsa2048:rsassa-sha256:null", "-a", attributes, "-u", "ak.pub", "-r", "ak.priv"];
    tpm.run("tpm2_create", &[&["-C", "primary.ctx", "-c", "ak.ctx"], &key[..]].concat());
    tpm.quote("sha256:4,11,12", &NONCE);
    let refused = verify(&tpm, pcrs_of(&tpm)).unwrap_err();
    assert!(refused.to_string().contains("signs what the TPM did not make"), "{refused}");
    // Its digest would be another one, too.
    let other = SoftwareTpm::start().with_attestation_key("rsa", "rsassa");
    other.quote("sha256:4,11,12", &NONCE);
    let vouched = verify(&other, pcrs_of(&other)).unwrap();
    vouched.require_key(&vouched.key).unwrap();
    let wrong = vouched.require_key(&netboot_core::Sha256Digest::of(b"another")).unwrap_err();
    assert!(matches!(wrong, Error::UnknownKey { .. }), "{wrong}");
    assert!(wrong.hint().unwrap().contains(&format!("enrol its digest {}", vouched.key)));
}
