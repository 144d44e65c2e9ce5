//! Signatures: ours and those of sbsigntool.

use std::fs;
use std::slice::from_ref;

use netboot_core::Context;
use netboot_testbed::{DebianTree, Testbed};
use netboot_uki::{Certificate, EfiProgram, Error, SecureBootVariable, SignatureProblem, sign};

use crate::programs::{altered, openssl, pem, sbverify, secure_boot};
use crate::workshop::{KEYS, Workshop, db, db_signer};

fn problem(error: Error) -> SignatureProblem {
    match error {
        Error::Untrusted { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sbverify_agrees_about_a_program_that_we_signed() {
    let workshop = Workshop::new();
    let (uki, keys) = (workshop.uki().await, workshop.keys().await);
    let signed = workshop.path("signed.efi");
    sign(&uki, &signed, &db_signer(), &Context::new()).await.unwrap();

    let program = EfiProgram::open(&signed).unwrap();
    assert_eq!(program.verify(&[db()]).unwrap(), &db());
    assert!(program.has_right_checksum());
    assert_eq!(program.sha256(), EfiProgram::open(&uki).unwrap().sha256());
    assert!(sbverify(&signed, &keys.join("db.crt")));

    let other = KEYS.certificate(SecureBootVariable::KeyExchangeKeys).clone();
    assert_eq!(problem(program.verify(&[other]).unwrap_err()), SignatureProblem::Untrusted);
    assert!(!sbverify(&signed, &keys.join("KEK.crt")));
    assert_eq!(
        problem(EfiProgram::open(&uki).unwrap().verify(&[db()]).unwrap_err()),
        SignatureProblem::Unsigned
    );
    assert!(!sbverify(&uki, &keys.join("db.crt")));

    // The kernel, the initrd, the command line and the code of the stub.
    for name in [".linux", ".initrd", ".cmdline", ".text"] {
        let position = program.section(name).unwrap().offset as usize;
        let altered = altered(&signed, position);
        let error = EfiProgram::open(&altered).unwrap().verify(&[db()]).unwrap_err();
        assert_eq!(problem(error), SignatureProblem::OtherProgram, "{name}");
        assert!(!sbverify(&altered, &keys.join("db.crt")), "{name}");
    }
}

#[tokio::test]
async fn a_program_that_sbsign_signed_is_verified() {
    let workshop = Workshop::new();
    let (uki, keys) = (workshop.uki().await, workshop.keys().await);
    let signed = workshop.path("signed.efi");
    let (key, certificate) = (keys.join("db.key"), pem(&keys.join("db.crt")));
    let (succeeded, said) = secure_boot(
        "sbsign",
        &[&"--key", &key, &"--cert", &certificate, &"--output", &signed, &uki],
    );
    assert!(succeeded, "{said}");
    let program = EfiProgram::open(&signed).unwrap();
    assert_eq!(program.verify(&[db()]).unwrap(), &db());
    assert!(program.has_right_checksum());
    assert_eq!(program.sha256(), EfiProgram::open(&uki).unwrap().sha256());
    let position = program.section(".cmdline").unwrap().offset as usize;
    let altered = altered(&signed, position);
    let error = EfiProgram::open(&altered).unwrap().verify(&[db()]).unwrap_err();
    assert_eq!(problem(error), SignatureProblem::OtherProgram);
}

#[tokio::test]
async fn a_program_has_the_signatures_of_several_keys() {
    let workshop = Workshop::new();
    let (signed, keys) = (workshop.signed().await, workshop.keys().await);
    let kek = KEYS.signer(SecureBootVariable::KeyExchangeKeys).unwrap();
    let twice = workshop.path("twice.efi");
    sign(&signed, &twice, &kek, &Context::new()).await.unwrap();
    let program = EfiProgram::open(&twice).unwrap();
    assert_eq!(program.signature_count(), 2);
    for (variable, name) in [
        (SecureBootVariable::Signatures, "db.crt"),
        (SecureBootVariable::KeyExchangeKeys, "KEK.crt"),
    ] {
        let certificate = KEYS.certificate(variable).clone();
        assert_eq!(program.verify(from_ref(&certificate)).unwrap(), &certificate);
        assert!(sbverify(&twice, &keys.join(name)));
    }
    let pk = KEYS.certificate(SecureBootVariable::PlatformKey).clone();
    assert_eq!(problem(program.verify(&[pk]).unwrap_err()), SignatureProblem::Untrusted);
    assert!(!sbverify(&twice, &keys.join("PK.crt")));

    // sbattach takes the first one away, and leaves the other one.
    let (succeeded, said) = secure_boot("sbattach", &[&"--signum", &"1", &"--remove", &twice]);
    assert!(succeeded, "{said}");
    let left = EfiProgram::open(&twice).unwrap();
    assert_eq!(left.signature_count(), 1);
    assert_eq!(left.sha256(), program.sha256());
    left.verify(&[KEYS.certificate(SecureBootVariable::KeyExchangeKeys).clone()]).unwrap();
}

#[tokio::test]
async fn equal_inputs_give_equal_bytes() {
    let (first, second) = (Workshop::new(), Workshop::new());
    let first = fs::read(first.signed().await).unwrap();
    assert!(first == fs::read(second.signed().await).unwrap());
}

/// Debian's kernel has a signature by a key of its build already, and another shape than a UKI, as
/// iPXE has.
#[tokio::test]
async fn kernels_and_ipxe_are_signed_beside_their_own_signatures() {
    let workshop = Workshop::new();
    let keys = workshop.keys().await;
    let programs = [
        Testbed::locate().kernel().to_owned(),
        DebianTree::TRIXIE_LINUX.kernel(),
        DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe.efi"),
        "/usr/lib/ipxe/snponly.efi".into(),
    ];
    for (index, path) in programs.iter().enumerate() {
        let before = EfiProgram::open(path).unwrap();
        let signed = workshop.path(&index.to_string());
        sign(path, &signed, &db_signer(), &Context::new()).await.unwrap();
        let program = EfiProgram::open(&signed).unwrap();
        assert_eq!(program.signature_count(), before.signature_count() + 1);
        assert_eq!(program.sha256(), before.sha256());
        program.verify(&[db()]).unwrap();
        assert!(program.has_right_checksum());
        assert!(sbverify(&signed, &keys.join("db.crt")), "{}", path.display());
    }
}

#[tokio::test]
async fn a_certificate_that_a_trusted_authority_issued_is_trusted() {
    let workshop = Workshop::new();
    let keys = workshop.keys().await;
    let (key, request) = (workshop.path("leaf.key"), workshop.path("leaf.csr"));
    let certificate = workshop.path("leaf.crt");
    openssl("req -newkey rsa:2048 -nodes -subj /CN=leaf", &[("-keyout", &key), ("-out", &request)]);
    let (authority, authority_key) = (pem(&keys.join("db.crt")), keys.join("db.key"));
    openssl(
        "x509 -req -set_serial 7 -days 10 -sha256",
        &[
            ("-in", &request),
            ("-CA", &authority),
            ("-CAkey", &authority_key),
            ("-out", &certificate),
        ],
    );
    let leaf = Certificate::read(&certificate).unwrap();
    let by = netboot_uki::KeyFile::parse("leaf", &fs::read(&key).unwrap(), leaf.clone()).unwrap();
    let signed = workshop.path("by-leaf.efi");
    sign(workshop.small().await, &signed, &by, &Context::new()).await.unwrap();
    let program = EfiProgram::open(&signed).unwrap();
    assert_eq!(program.verify(&[db()]).unwrap(), &db());
    assert_eq!(program.verify(from_ref(&leaf)).unwrap(), &leaf);
    assert!(sbverify(&signed, &keys.join("db.crt")));
    // An authority that trusts its issuer is not trusted itself.
    let pk = KEYS.certificate(SecureBootVariable::PlatformKey).clone();
    assert_eq!(problem(program.verify(&[pk]).unwrap_err()), SignatureProblem::Untrusted);

    // A leaf is no authority, even though its key made the signature.
    let (second, second_request) = (workshop.path("second.key"), workshop.path("second.csr"));
    openssl(
        "req -newkey rsa:2048 -nodes -subj /CN=second",
        &[("-keyout", &second), ("-out", &second_request)],
    );
    let second_certificate = workshop.path("second.crt");
    openssl(
        "x509 -req -set_serial 8 -days 10 -sha256",
        &[
            ("-in", &second_request),
            ("-CA", &certificate),
            ("-CAkey", &key),
            ("-out", &second_certificate),
        ],
    );
    let second_leaf = Certificate::read(&second_certificate).unwrap();
    let key = fs::read(&second).unwrap();
    let by = netboot_uki::KeyFile::parse("second", &key, second_leaf).unwrap();
    let by = by.with_chain([leaf]).unwrap();
    let signed = workshop.path("by-second.efi");
    sign(workshop.path("small.efi"), &signed, &by, &Context::new()).await.unwrap();
    let error = EfiProgram::open(&signed).unwrap().verify(&[db()]).unwrap_err();
    assert_eq!(problem(error), SignatureProblem::Untrusted);
}
