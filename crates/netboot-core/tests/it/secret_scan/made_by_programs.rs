//! Keys and hashes that real programs make.

use std::fs;
use std::path::Path;

use netboot_core::secret_scan::SecretKind::{
    self, EncryptedPrivateKey, PasswordHash, PrivateKey, SigningKey,
};
use tempfile::TempDir;

use super::{one, rules, scan_file};
use crate::boot_files::initrd::run;

fn shell(directory: &Path, script: &str) {
    run("openssl, openssh-client, minisign, perl-base", &["sh", "-ec", script], directory, b"");
}

/// Each file that a script makes, with the rule and the kind of its secret.
fn made(script: &str, expected: &[(&str, Option<(&str, SecretKind)>)]) {
    let directory = TempDir::new().unwrap();
    shell(directory.path(), script);
    for (name, secret) in expected {
        let bytes = fs::read(directory.path().join(name)).unwrap();
        let found = scan_file(name, &bytes);
        let found: Vec<_> = found.into_iter().map(|it| (it.rule, it.kind, it.offset)).collect();
        let secret = secret.map(|(rule, kind)| (rule.to_owned(), kind, 0));
        assert_eq!(found, Vec::from_iter(secret), "{name}");
    }
}

#[test]
fn keys_of_openssh_are_found_and_their_public_halves_are_not() {
    let openssh = |kind| Some(("openssh-private-key", kind));
    made(
        "ssh-keygen -q -t ed25519 -N '' -f ed; ssh-keygen -q -t ecdsa -N '' -f ec
         ssh-keygen -q -t rsa -b 2048 -N '' -f rsa; ssh-keygen -q -t ed25519 -N secret -f locked
         ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f old; ssh-keygen -q -t rsa -b 2048 -m PEM -N secret -f oldlocked",
        &[
            ("ed", openssh(PrivateKey)),
            ("ec", openssh(PrivateKey)),
            ("rsa", openssh(PrivateKey)),
            ("locked", openssh(EncryptedPrivateKey)),
            ("old", Some(("pem-private-key", PrivateKey))),
            ("oldlocked", Some(("pem-private-key", EncryptedPrivateKey))),
            ("ed.pub", None),
            ("rsa.pub", None),
        ],
    );
}

#[test]
fn keys_of_openssl_are_found_in_every_form_and_certificates_are_not() {
    let pem = |kind| Some(("pem-private-key", kind));
    let der = |kind| Some(("der-private-key", kind));
    made(
        "openssl genpkey -algorithm RSA -out rsa; openssl genpkey -algorithm ED25519 -out ed
         openssl ecparam -name prime256v1 -genkey -noout -out ec
         openssl rsa -in rsa -traditional -out old; openssl pkey -in rsa -outform DER -out der
         openssl rsa -in rsa -traditional -outform DER -out olddder
         openssl ec -in ec -outform DER -out ecder; openssl pkey -in ed -outform DER -out edder
         openssl pkcs8 -topk8 -in rsa -passout pass:x -out locked
         openssl pkcs8 -topk8 -in rsa -passout pass:x -outform DER -out lockedder
         openssl pkey -in rsa -pubout -out pub; openssl pkey -in rsa -pubout -outform DER -out pubder
         openssl req -x509 -key rsa -subj /CN=x -out cert; openssl x509 -in cert -outform DER -out certder
         openssl pkcs12 -export -inkey rsa -in cert -passout pass:x -out bag.p12
         openssl pkcs12 -export -nokeys -in cert -passout pass:x -out trust.p12",
        &[
            ("rsa", pem(PrivateKey)),
            ("ed", pem(PrivateKey)),
            ("ec", pem(PrivateKey)),
            ("old", pem(PrivateKey)),
            ("locked", pem(EncryptedPrivateKey)),
            ("der", der(PrivateKey)),
            ("olddder", der(PrivateKey)),
            ("ecder", der(PrivateKey)),
            ("edder", der(PrivateKey)),
            ("lockedder", der(EncryptedPrivateKey)),
            ("bag.p12", Some(("pkcs12-private-key", EncryptedPrivateKey))),
            ("trust.p12", None),
            ("pub", None),
            ("pubder", None),
            ("cert", None),
            ("certder", None),
        ],
    );
}

#[test]
fn secret_keys_of_pgp_are_found_and_public_keys_are_not() {
    let pgp = |kind| Some(("pgp-secret-key", kind));
    made(
        "export GNUPGHOME=$PWD/home; mkdir -m 700 home
         make() { gpg -q --batch --pinentry-mode loopback --passphrase \"$1\" --quick-gen-key $2 $3; }
         make '' ed ed25519; make '' rsa rsa2048; make secret locked ed25519
         out() { gpg -q --batch --yes --pinentry-mode loopback --passphrase secret $1 --export-secret-keys $2; }
         out --armor ed > ed.asc; out '' ed > ed.gpg; out '' rsa > rsa.gpg
         out --armor locked > locked.asc; out '' locked > locked.gpg
         gpg -q --batch --armor --export ed > pub.asc; gpg -q --batch --export rsa > pub.gpg
         gpgconf --kill gpg-agent",
        &[
            ("ed.asc", pgp(PrivateKey)),
            ("ed.gpg", pgp(PrivateKey)),
            ("rsa.gpg", pgp(PrivateKey)),
            ("locked.asc", pgp(EncryptedPrivateKey)),
            ("locked.gpg", pgp(EncryptedPrivateKey)),
            ("pub.asc", None),
            ("pub.gpg", None),
        ],
    );
}

#[test]
fn signing_keys_of_minisign_and_nix_are_found() {
    let directory = TempDir::new().unwrap();
    shell(
        directory.path(),
        "minisign -G -W -p pub -s plain > log 2>&1
         export NIX_STATE_DIR=$PWD/s NIX_STORE_DIR=$PWD/n HOME=$PWD NIX_CONFIG='experimental-features = nix-command'
         nix key generate-secret --key-name cache.example.org-1 > nix
         nix key convert-secret-to-public < nix > nixpub",
    );
    let found = |name: &str| rules(&fs::read(directory.path().join(name)).unwrap());
    assert_eq!(found("plain"), one("minisign-secret-key", SigningKey));
    assert_eq!(found("nix"), one("nix-signing-key", SigningKey));
    assert_eq!(found("pub"), []);
    assert_eq!(found("nixpub"), []);
}

#[test]
fn hashes_of_the_systems_own_crypt_are_found() {
    for salt in [
        "$6$abcdefgh",
        "$5$abcdefgh",
        "$1$abcdefgh",
        "$y$j9T$abcdefgh",
        "$gy$j9T$abcdefgh",
        "$7$CU..../....abcdefgh",
        "$2b$04$abcdefghabcdefghabcdeu",
        "$sha1$4$abcdefgh",
    ] {
        let script = format!("print 'root:' . crypt('hunter2', '{salt}') . ':19000::::::'");
        let line = run("perl-base", &["perl", "-e", &script], Path::new("/"), b"");
        assert_eq!(rules(&line), one("crypt-hash", PasswordHash), "{salt}");
    }
}
