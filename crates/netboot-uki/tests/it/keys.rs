//! Keys and the values of variables, compared with efitools and openssl.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use netboot_core::Context;
use netboot_uki::{Error, KeyFile, SecureBootVariable, SignatureList, TestKeys, sign_variable};

use crate::programs::{openssl, pem, secure_boot};
use crate::workshop::{KEYS, Workshop, time};

#[tokio::test]
async fn efitools_write_the_same_lists_and_signed_values() {
    let workshop = Workshop::new();
    let keys = workshop.keys().await;
    let owner = KEYS.owner().to_string();
    for variable in SecureBootVariable::ALL {
        let certificate = pem(&keys.join(format!("{variable}.crt")));
        let list = workshop.path("list.esl");
        let (succeeded, said) =
            secure_boot("cert-to-efi-sig-list", &[&"-g", &owner, &certificate, &list]);
        assert!(succeeded, "{said}");
        let ours = fs::read(keys.join(format!("{variable}.esl"))).unwrap();
        assert!(ours == fs::read(&list).unwrap(), "{variable}");

        let authority = if variable == SecureBootVariable::Signatures { "KEK" } else { "PK" };
        let (key, by) =
            (keys.join(format!("{authority}.key")), keys.join(format!("{authority}.pem")));
        if !by.exists() {
            pem(&keys.join(format!("{authority}.crt")));
        }
        let signed = workshop.path("signed.auth");
        let (succeeded, said) = secure_boot(
            "sign-efi-sig-list",
            &[
                &"-t",
                &"2026-01-01 00:00:00",
                &"-k",
                &key,
                &"-c",
                &by,
                &variable.as_str(),
                &list,
                &signed,
            ],
        );
        assert!(succeeded, "{said}");
        let ours = fs::read(keys.join(format!("{variable}.auth"))).unwrap();
        let theirs = fs::read(&signed).unwrap();
        // The time and the value; theirs has the name of the host's time zone nowhere either.
        assert_eq!(ours[..16], theirs[..16], "{variable}");
        assert!(ours.ends_with(&fs::read(&list).unwrap()));
        assert!(theirs.ends_with(&fs::read(&list).unwrap()));
    }
}

/// The message of a signed value, and the bytes that it is over, built from the rule.
#[tokio::test]
async fn openssl_verifies_a_signed_value() {
    let workshop = Workshop::new();
    let keys = workshop.keys().await;
    let auth = fs::read(keys.join("db.auth")).unwrap();
    let length = u32::from_le_bytes(auth[16..20].try_into().unwrap()) as usize;
    let (message, value) = (&auth[40..16 + length], &auth[16 + length..]);
    assert_eq!(value, fs::read(keys.join("db.esl")).unwrap());
    // openssl reads the message only within a `ContentInfo`.
    let mut wrapped = vec![0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    for tag in [0xa0, 0x30] {
        let content = if tag == 0xa0 { message.to_vec() } else { wrapped.clone() };
        let size = u16::try_from(content.len()).unwrap().to_be_bytes();
        let head = [tag, 0x82, size[0], size[1]];
        if tag == 0xa0 {
            wrapped.extend(head.into_iter().chain(content));
        } else {
            wrapped = head.into_iter().chain(content).collect();
        }
    }
    let message = workshop.file("message.der", &wrapped);
    let mut content: Vec<u8> = "db".encode_utf16().flat_map(u16::to_le_bytes).collect();
    content.extend(SecureBootVariable::Signatures.vendor().to_bytes_le());
    content.extend(0x27_u32.to_le_bytes());
    content.extend(&auth[..16]);
    content.extend(value);
    let verify = |content: &[u8]| {
        let content = workshop.file("content", content);
        let mut command = std::process::Command::new(netboot_testbed::tool("openssl"));
        command.args(["cms", "-verify", "-binary", "-inform", "DER", "-noverify", "-in"]);
        command.arg(&message).arg("-content").arg(content).arg("-certfile");
        command.arg(pem(&keys.join("KEK.crt"))).args(["-out", "/dev/null"]);
        command.output().unwrap().status.success()
    };
    assert!(verify(&content));
    content[0] ^= 1;
    assert!(!verify(&content));
}

#[tokio::test]
async fn only_the_owner_can_read_the_private_keys() {
    let workshop = Workshop::new();
    let keys = workshop.keys().await;
    let mut names: Vec<String> = fs::read_dir(&keys)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let extensions = ["auth", "crt", "esl", "key"];
    let expected = ["KEK", "PK", "db"].map(|name| extensions.map(|it| format!("{name}.{it}")));
    assert_eq!(names, expected.concat());
    for name in ["KEK.key", "PK.key", "db.key"] {
        let mode = fs::metadata(keys.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        let certificate = keys.join(name.replace(".key", ".crt"));
        KeyFile::read(keys.join(name), &certificate).unwrap();
        let text = openssl("x509 -inform DER -noout -text", &[("-in", &certificate)]);
        assert!(text.contains("Not Before: Jan  1 00:00:00 2026 GMT"), "{text}");
        assert!(text.contains("CA:TRUE") && text.contains("(2048 bit)"), "{text}");
    }
    // Keys replace nothing, and are never half of them.
    for name in names.iter().filter(|name| *name != "PK.auth") {
        fs::remove_file(keys.join(name)).unwrap();
    }
    let again = KEYS.write(&keys, &Context::new()).await.unwrap_err();
    assert!(matches!(again, Error::Io { action: "create", .. }), "{again:?}");
    assert_eq!(fs::read_dir(&keys).unwrap().count(), 1, "only PK.auth is there");
}

#[tokio::test]
async fn a_time_that_no_variable_can_state_is_refused() {
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
    assert!(matches!(TestKeys::generate("x", far), Err(Error::Time)));
    let variable = SecureBootVariable::Signatures;
    let (list, by) = (KEYS.signature_list(variable), KEYS.signer(variable).unwrap());
    let signed = sign_variable(variable, &list, far, &by, &Context::new()).await;
    assert!(matches!(signed, Err(Error::Time)));
    let signed = sign_variable(variable, &list, time(), &by, &Context::new()).await.unwrap();
    // 2026-01-01 00:00:00, with all other fields zero.
    assert_eq!(signed[..16], [0xea, 0x07, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

/// A value without a certificate, which would delete the variable, cannot be made.
#[tokio::test]
async fn a_platform_key_is_one_certificate() {
    let owner = KEYS.owner();
    let certificates = SecureBootVariable::ALL.map(|variable| KEYS.certificate(variable));
    let one = SignatureList::new(owner, certificates[0]);
    let two = one.clone().with_certificate(owner, certificates[1]);
    assert_eq!(two.as_bytes().len(), {
        let second = SignatureList::new(owner, certificates[1]);
        one.as_bytes().len() + second.as_bytes().len()
    });
    let context = Context::new();
    for variable in SecureBootVariable::ALL {
        let by = KEYS.signer(SecureBootVariable::PlatformKey).unwrap();
        sign_variable(variable, &one, time(), &by, &context).await.unwrap();
        let signed = sign_variable(variable, &two, time(), &by, &context).await;
        if variable == SecureBootVariable::PlatformKey {
            assert!(matches!(signed, Err(Error::PlatformKeys { count: 2 })), "{signed:?}");
        } else {
            assert!(signed.unwrap().ends_with(two.as_bytes()));
        }
    }
}

#[test]
fn no_private_key_is_shown() {
    let shown = format!("{:?} {:?}", *KEYS, KEYS.signer(SecureBootVariable::PlatformKey).unwrap());
    assert!(shown.contains("netboot tests PK") && !shown.contains("PRIVATE"), "{shown}");
    assert!(shown.len() < 1500, "{shown}");
}
