//! Checks of what a pattern found: checksums, where a format has one, and placeholders.

use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use ed25519_compact::{KeyPair, Seed};

use super::hit::Hit;
use super::kind::SecretKind;
use super::pem::{decode, is_base64};

/// Any token: it is no placeholder of a manual.
pub(super) fn token(text: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in text {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count() >= 10 && !is_placeholder(text)
}

fn is_placeholder(text: &[u8]) -> bool {
    const MARKS: [&[u8]; 5] = [b"example", b"xxxxx", b"1234567", b"abcdefg", b"placeholder"];
    let lower = text.to_ascii_lowercase();
    MARKS.iter().any(|mark| memchr::memmem::find(&lower, mark).is_some())
}

/// Anything that matches the pattern.
pub(super) fn any(_: &[u8]) -> bool {
    true
}

/// A token of GitHub or npm. It ends in the CRC-32 of its random part, as six base-62 digits
/// (GitHub, "Behind GitHub's new authentication token formats", 2021).
pub(super) fn checksum(text: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(digits) = text.len().checked_sub(6) else { return false };
    let Some(random) = text[..digits].splitn(2, |byte| *byte == b'_').nth(1) else { return false };
    let mut sum = crc32fast::hash(random);
    text[digits..].iter().rev().all(|digit| {
        let expected = DIGITS[(sum % 62) as usize];
        sum /= 62;
        *digit == expected
    })
}

/// An identity of age, which is Bech32 (age-encryption.org/v1, "The X25519 recipient type").
pub(super) fn age(text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).unwrap_or_default();
    // The Bech32 of a hybrid identity is too long for the checksum's guarantee, but is made alike.
    text.starts_with("AGE-SECRET-KEY-PQ-") || CheckedHrpstring::new::<Bech32>(text).is_ok()
}

/// A key of a Nix binary cache, `name:` and the base64 of an Ed25519 seed and its public key
/// (Nix, `src/libutil/signature/local-keys.cc`). A signature has the same form and another content.
/// `at` is its last character before the padding.
pub(super) fn nix_signing_key(text: &[u8], at: usize) -> Option<Hit> {
    let start = (at + 1).checked_sub(86)?;
    if text[start..=at].iter().any(|byte| !is_base64(*byte)) || start == 0 {
        return None;
    }
    let bytes = decode(&text[start..=at])?;
    let (seed, public) = bytes.split_at_checked(32)?;
    let pair = KeyPair::from_seed(Seed::from_slice(seed).ok()?);
    (pair.pk.as_slice() == public).then_some(Hit::new(
        "nix-signing-key",
        SecretKind::SigningKey,
        start,
    ))
}

/// A secret access key of AWS near the id of the key, or behind its name.
pub(super) fn aws(text: &[u8], at: usize) -> Option<Hit> {
    const NEAR: usize = 300;
    const LENGTH: usize = 40;
    let is_id = text[at..].starts_with(b"AKIA") || text[at..].starts_with(b"ASIA");
    let from = if is_id { at.saturating_sub(NEAR) } else { at };
    let id_end = at + 20;
    if is_id {
        let id = text.get(at..id_end)?;
        let is_whole = id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_whole
            || is_placeholder(id)
            || text.get(id_end).is_some_and(u8::is_ascii_alphanumeric)
        {
            return None;
        }
    }
    let near = &text[from..text.len().min(at + NEAR)];
    let runs = near.split(|byte| !is_base64(*byte));
    let is_secret = |run: &&[u8]| {
        let has = |test: fn(&u8) -> bool| run.iter().any(test);
        run.len() == LENGTH
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_digit)
            && token(run)
    };
    // A line break that is written as `\n` leaves its letter before the text.
    let trimmed = runs.map(|run| match run {
        [b'n', rest @ ..] if rest.len() == LENGTH => rest,
        run => run,
    });
    trimmed.into_iter().any(|run| is_secret(&run)).then_some(Hit::new(
        "aws-secret-access-key",
        SecretKind::Token,
        at,
    ))
}

/// A private JSON Web Key (RFC 7517), a JSON object with `kty` and `d`.
pub(super) fn json_web_key(text: &[u8], at: usize) -> Option<Hit> {
    let begin = text[..at].iter().rposition(|byte| *byte == b'{')?;
    let end = at + text[at..].iter().position(|byte| *byte == b'}')?;
    let object = &text[begin..end];
    let quoted = |name: &[u8]| {
        let value = memchr::memmem::find(object, name)? + name.len();
        let value = object[value..].iter().skip_while(|byte| b"\\\": ".contains(*byte));
        Some(value.take_while(|byte| is_base64(**byte) || b"-_".contains(*byte)).count())
    };
    (quoted(b"\"d\"").or_else(|| quoted(b"\\\"d\\\""))? >= 40)
        .then(|| Hit::key("json-web-key", at, false))
}
