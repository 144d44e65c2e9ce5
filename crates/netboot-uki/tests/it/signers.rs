//! Keys in files, and commands that sign.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use netboot_core::{BackendError, CancellationToken, Context, ErrorClass};
use netboot_testbed::tool;
use netboot_uki::{Certificate, EfiProgram, Error, KeyFile, SigningCommand, SigningInput, sign};

use crate::programs::openssl;
use crate::workshop::{Workshop, db};

#[tokio::test]
async fn openssl_signs_each_form_of_input() {
    let workshop = Workshop::new();
    let (small, keys) = (workshop.small().await, workshop.keys().await);
    let key = keys.join("db.key").into_os_string();
    let same = fs::read(workshop.signed().await).unwrap();
    let forms: [(SigningInput, &[&str]); 3] = [
        (SigningInput::Message, &["dgst", "-sha256", "-sign"]),
        (SigningInput::Digest, &["pkeyutl", "-sign", "-pkeyopt", "digest:sha256", "-inkey"]),
        (SigningInput::DigestInfo, &["pkeyutl", "-sign", "-inkey"]),
    ];
    for (input, arguments) in forms {
        let by = SigningCommand::new(tool("openssl"), db(), input)
            .args(arguments.iter().copied().map(Into::into).chain([key.clone()]));
        let signed = workshop.path(&format!("{input:?}.efi"));
        sign(&small, &signed, &by, &Context::new()).await.unwrap();
        EfiProgram::open(&signed).unwrap().verify(&[db()]).unwrap();
        assert!(fs::read(&signed).unwrap() == same, "{input:?}");
    }
}

#[tokio::test]
async fn a_wrong_answer_of_a_command_signs_nothing() {
    let workshop = Workshop::new();
    let small = workshop.small().await;
    let signed = workshop.path("signed-by-command.efi");
    let run = async |script: &str, context: &Context| {
        let by = SigningCommand::new("sh", db(), SigningInput::Message)
            .args(["-c", script])
            .time_limit(Duration::from_secs(600));
        let result = sign(&small, &signed, &by, context).await;
        assert!(!signed.exists(), "{script}");
        result.unwrap_err()
    };
    let context = Context::new();
    // The right length, but not the key's.
    let error = run("head -c 256 /dev/zero", &context).await;
    assert!(matches!(error, Error::WrongSignature { .. }), "{error:?}");
    assert!(error.to_string().contains("CN=netboot tests db"), "{error}");
    let error = run("cat", &context).await;
    assert!(matches!(error, Error::WrongSignature { .. }), "{error:?}");
    let error = run("exec yes", &context).await;
    assert_eq!(error.class(), ErrorClass::Equipment, "{error:?}");
    let error = run("echo the token is locked >&2; exit 7", &context).await;
    let said = error.to_string();
    assert!(said.contains("exit status: 7") && said.contains("the token is locked"), "{said}");
    assert!(!said.contains("exit 7"), "{said}");

    let token = CancellationToken::new();
    token.cancel();
    let error = run("cat", &Context::new().with_cancellation(token)).await;
    assert_eq!(error.class(), ErrorClass::Cancelled);

    let late = SigningCommand::new("sleep", db(), SigningInput::Message)
        .args(["600"])
        .time_limit(Duration::from_millis(1));
    let error = sign(&small, &signed, &late, &context).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::TimedOut, "{error:?}");
    assert!(!format!("{late:?}").contains("600"), "{late:?}");
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    let workshop = Workshop::new();
    let keys = workshop.keys().await;
    let (key, certificate) = (keys.join("db.key"), keys.join("db.crt"));
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let error = KeyFile::read(&key, &certificate).unwrap_err();
        assert!(matches!(error, Error::ExposedKey { .. }), "{mode:o} {error:?}");
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        KeyFile::read(&key, &certificate).unwrap();
    }
}

#[tokio::test]
async fn keys_in_both_formats_are_read_and_others_are_refused() {
    let workshop = Workshop::new();
    let keys = workshop.keys().await;
    let key = keys.join("db.key");
    let parse = |path: &std::path::Path| KeyFile::parse(path, &fs::read(path).unwrap(), db());
    let (old, locked) = (workshop.path("pkcs1.key"), workshop.path("locked.key"));
    openssl("rsa -traditional", &[("-in", &key), ("-out", &old)]);
    assert!(fs::read_to_string(&old).unwrap().contains("BEGIN RSA PRIVATE KEY"));
    parse(&old).unwrap();
    openssl("pkcs8 -topk8 -passout pass:secret", &[("-in", &key), ("-out", &locked)]);
    assert!(matches!(parse(&locked), Err(Error::LockedKey { .. })));
    openssl("rsa -traditional -aes128 -passout pass:secret", &[("-in", &key), ("-out", &locked)]);
    assert!(matches!(parse(&locked), Err(Error::LockedKey { .. })));

    let problem = |path: &std::path::Path| match parse(path) {
        Err(Error::Key { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(problem(&keys.join("KEK.key")), "it is not the key of the certificate");
    assert_eq!(problem(&keys.join("db.crt")), "it has no private key in PEM");
    let curve = workshop.path("curve.key");
    openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", &[("-out", &curve)]);
    assert_eq!(problem(&curve), "it is not an RSA key from 2048 to 8192 bits");
    let short = workshop.path("short.key");
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024", &[("-out", &short)]);
    assert_eq!(problem(&short), "it is not an RSA key from 2048 to 8192 bits");

    for (key, expected) in [
        (&short, "its RSA key has not from 2048 to 8192 bits"),
        (&curve, "its key is not an RSA key"),
    ] {
        let path = workshop.path("other.crt");
        openssl("req -x509 -subj /CN=other -days 1", &[("-key", key), ("-out", &path)]);
        match Certificate::read(&path) {
            Err(Error::Certificate { problem, .. }) => assert_eq!(problem, expected),
            other => panic!("{other:?}"),
        }
    }
}
