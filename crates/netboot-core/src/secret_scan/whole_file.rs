//! Secrets that are known by the beginning of their file, or that are a whole file.

use super::hit::Hit;
use super::key_format::{der, openpgp, pkcs12, sequence};
use super::kind::SecretKind;
use super::pem::{decode, is_base64};

/// The largest file with only a key in base64 that is recognised, in bytes.
const SMALL: usize = 64;

/// Looks at the beginning of a file. `is_whole` is true if it is the whole file.
pub(super) fn secret(path: &str, text: &[u8], is_whole: bool) -> Option<Hit> {
    let found = |name, encrypted| Some(Hit::key(name, 0, encrypted));
    let starts = |magic: &[&[u8]]| magic.iter().any(|magic| text.starts_with(magic));
    // GnuPG, `agent/keyformat.txt`.
    if starts(&[b"Key: (private-key", b"(11:private-key("]) {
        return found("pgp-secret-key", false);
    }
    if starts(&[b"Key: (protected-private-key", b"(21:protected-private-key("]) {
        return found("pgp-secret-key", true);
    }
    if starts(&[b"\0GITCRYPTKEY"]) {
        return found("git-crypt-key", false);
    }
    if starts(&[b"\x05\x02\0\0"]) && is_keytab(text) {
        return found("kerberos-keytab", false);
    }
    if starts(&[b"0"]) {
        let is_one = is_whole && sequence(text).is_some_and(|(length, _)| length == text.len());
        if let Some(encrypted) = der(text).filter(|_| is_one) {
            return found("der-private-key", encrypted);
        }
        return pkcs12(text).and_then(|encrypted| found("pkcs12-private-key", encrypted));
    }
    if text.first().is_some_and(|byte| matches!(byte, 0x94 | 0x95 | 0xc5))
        && let Some(encrypted) = openpgp(text)
    {
        return found("pgp-secret-key", encrypted);
    }
    (is_whole && is_raw_key(path, text)).then_some(Hit::new("raw-key", SecretKind::PrivateKey, 0))
}

/// Returns true for a file with only 32 bytes in base64 and a name of a key, such as the file that
/// NixOS writes for a key of `WireGuard`. A public key has the same form.
fn is_raw_key(path: &str, text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    text.len() <= SMALL
        && text.len() == 44
        && text.ends_with(b"=")
        && text[..43].iter().all(|byte| is_base64(*byte))
        && decode(text).is_some_and(|bytes| bytes.len() == 32)
        && ["key", "psk", "secret", "priv"].iter().any(|mark| name.contains(mark))
        && !name.contains("pub")
}

/// Returns true for a keytab of Kerberos (MIT, "Keytab file format"): the length of an entry, a
/// number of name parts, and the name of a realm.
fn is_keytab(text: &[u8]) -> bool {
    let number = |at: usize| Some(u16::from_be_bytes([*text.get(at)?, *text.get(at + 1)?]));
    let realm = || {
        let length = usize::from(number(8)?);
        text.get(10..10 + length).filter(|realm| !realm.is_empty())
    };
    number(6).is_some_and(|parts| (1..=8).contains(&parts))
        && realm().is_some_and(|realm| realm.iter().all(u8::is_ascii_graphic))
}
