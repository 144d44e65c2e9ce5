//! Private keys in the text formats of RFC 7468, of OpenSSH and of PGP.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::hit::Hit;
use super::key_format::{der, openpgp, openssh};
use super::kind::SecretKind;
use super::test_material::is_known;

const BEGIN: &[u8] = b"-----BEGIN ";
/// The characters of a key that are read. The structure of a key shows in its first bytes.
const BODY_LIMIT: usize = 3000;
const LABEL_LIMIT: usize = 64;

/// Reads base64 with or without padding. Texts may be cut at the end of the part that is read.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a private key that begins at `at` with its first line.
pub(super) fn private_key(text: &[u8], at: usize) -> Option<Hit> {
    let rest = text[at..].strip_prefix(BEGIN)?;
    let end = position(&rest[..rest.len().min(LABEL_LIMIT)], b"-----")?;
    let label = std::str::from_utf8(&rest[..end]).ok()?;
    let (body, is_encrypted) = body(&rest[end + 5..]);
    let bytes = || decode(&body);
    let found =
        |name, encrypted| Some(Hit { is_known: is_known(&body), ..Hit::key(name, at, encrypted) });
    match label {
        "OPENSSH PRIVATE KEY" => found("openssh-private-key", openssh(&bytes()?)?),
        "PGP PRIVATE KEY BLOCK" => found("pgp-secret-key", openpgp(&bytes()?)?),
        "OpenVPN Static key V1" if body.len() >= 512 => found("openvpn-static-key", false),
        _ if label.ends_with("NKEY SEED") && body.len() >= 50 => found("nats-seed", false),
        // A key in a TPM opens only on the machine that has this TPM.
        "TSS2 PRIVATE KEY" if body.len() >= 100 => found("pem-private-key", true),
        _ if label.ends_with("PRIVATE KEY") && label.contains("ENCRYPTED") => {
            if body.len() >= 100 {
                found("pem-private-key", true)
            } else {
                None
            }
        }
        _ if label.ends_with("PRIVATE KEY") => {
            // The body of an encrypted key (RFC 1421) has no structure.
            let is_whole = is_encrypted && body.len() >= 100;
            if is_whole || der(&bytes()?).is_some() {
                found("pem-private-key", is_encrypted)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// Reads the private key in a text that was encoded in base64 once more, as in a kubeconfig.
pub(super) fn encoded_private_key(text: &[u8], at: usize) -> Option<Hit> {
    let hit = private_key(&decode(&body(&text[at..]).0)?, 0)?;
    Some(Hit { start: at, ..hit })
}

/// Reads a key of `PuTTY`.
pub(super) fn putty(text: &[u8], at: usize) -> Option<Hit> {
    let key = &text[at..];
    position(key, b"Private-Lines: ")?;
    let encryption = position(&key[..key.len().min(300)], b"Encryption: ")? + 12;
    Some(Hit::key("putty-private-key", at, !key[encryption..].starts_with(b"none")))
}

/// Reads a secret key of minisign or signify, whose first bytes name its algorithms.
pub(super) fn minisign(text: &[u8], at: usize) -> Option<Hit> {
    let end = text.len().min(at + 256);
    let run = text[at..end].iter().take_while(|byte| is_base64(**byte)).count();
    let key = decode(&text[at..at + run])?;
    // minisign: algorithms of signature, key derivation and checksum (its manual, "Secret key
    // format"). signify: algorithm, then "BK", then rounds, where 0 means no passphrase.
    let encrypted = match (key.get(..6)?, key.len()) {
        (b"EdScB2", 158) => true,
        (b"Ed\0\0B2", 158) => false,
        ([b'E', b'd', b'B', b'K', ..], 104) => key.get(4..8)? != [0; 4],
        _ => return None,
    };
    let kind = if encrypted { SecretKind::EncryptedPrivateKey } else { SecretKind::SigningKey };
    Some(Hit::new("minisign-secret-key", kind, at))
}

pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = &text[..text.iter().position(|byte| *byte == b'=').unwrap_or(text.len())];
    // A single character of a group of four has less than one byte.
    let whole = if text.len() % 4 == 1 { text.len() - 1 } else { text.len() };
    LENIENT.decode(&text[..whole]).ok()
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

pub(super) fn position(text: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, what)
}

/// The characters between the first line and the last, without line breaks, in whatever way a
/// program writes them into a string. Also returns true if a header says that they are encrypted.
fn body(text: &[u8]) -> (Vec<u8>, bool) {
    let (mut rest, mut is_encrypted) = (without_breaks(text), false);
    while let Some(length) = header(rest) {
        is_encrypted |= position(&rest[..length], b"ENCRYPTED").is_some();
        rest = without_breaks(&rest[length..]);
    }
    let mut body = Vec::new();
    while let Some(byte) = rest.first().filter(|byte| is_base64(**byte)) {
        if body.len() == BODY_LIMIT {
            break;
        }
        body.push(*byte);
        rest = without_breaks(&rest[1..]);
    }
    (body, is_encrypted)
}

/// The length of a header such as `Proc-Type: 4,ENCRYPTED`.
fn header(text: &[u8]) -> Option<usize> {
    let line = &text[..text.len().min(120)];
    let end = line.iter().position(|byte| matches!(byte, b'\n' | b'\\')).unwrap_or(line.len());
    position(&line[..end], b": ").map(|_| end)
}

/// Skips white space, quotes, and line breaks that are written as `\n`.
fn without_breaks(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b'\\', b'n' | b'r' | b't', rest @ ..]
            | [b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'|' | b'\\', rest @ ..] => rest,
            _ => return text,
        };
    }
}
