//! The binary formats of private keys. Each function returns true for an encrypted key.

/// Enough bytes of a key for all checks. Longer keys may be cut here.
const ENOUGH: usize = 2000;

/// A key of OpenSSH (its `PROTOCOL.key`): a magic, then the name of the cipher.
pub(super) fn openssh(bytes: &[u8]) -> Option<bool> {
    let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    (bytes.len() >= 100).then(|| !rest.starts_with(b"\0\0\0\x04none"))
}

/// A private key in DER: PKCS #8 (RFC 5958), PKCS #1, SEC 1, or the form of DSA keys.
pub(super) fn der(bytes: &[u8]) -> Option<bool> {
    let (length, content) = sequence(bytes)?;
    if bytes.len() < length.min(ENOUGH) {
        return None;
    }
    match content {
        // Version 0 or 1, then an algorithm, a number, or the octets of a key.
        [0x02, 0x01, 0x00 | 0x01, 0x30 | 0x02 | 0x04, ..] => Some(false),
        // An algorithm of PKCS #5 or #12, then the encrypted octets.
        [0x30, ..] => {
            let (_, algorithm) = sequence(content)?;
            let is_of = |arc: &[u8]| algorithm[2..].starts_with(arc);
            let pkcs = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01];
            (algorithm.len() > 10 && is_of(&pkcs) && matches!(algorithm[9], 0x05 | 0x0c))
                .then_some(true)
        }
        _ => None,
    }
}

/// A PKCS #12 file (RFC 7292) with a bag for a private key. Its passphrase may be empty.
pub(super) fn pkcs12(bytes: &[u8]) -> Option<bool> {
    let (_, content) = sequence(bytes)?;
    let bag = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01";
    let is_one = content.starts_with(b"\x02\x01\x03\x30");
    let kind = is_one.then(|| memchr::memmem::find(content, bag))??;
    match content.get(kind + bag.len())? {
        0x01 => Some(false),
        0x02 => Some(true),
        _ => None,
    }
}

/// The length of a DER sequence with its header, and its content as far as it is there.
pub(super) fn sequence(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (size, header) = match bytes {
        [0x30, short @ 0..=0x7f, ..] => (usize::from(*short), 2),
        [0x30, 0x81, size, ..] => (usize::from(*size), 3),
        [0x30, 0x82, high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 4),
        _ => return None,
    };
    Some((header + size, &bytes[header..]))
}

/// A secret key of PGP (RFC 9580, sections 4.2, 5.5.2 and 5.5.3).
pub(super) fn openpgp(bytes: &[u8]) -> Option<bool> {
    let tag = *bytes.first()?;
    let (tag, header) = match (tag >> 6, bytes.get(1)?) {
        (0b11, 0..=191) => (tag & 0x3f, 2),
        (0b11, 192..=223) => (tag & 0x3f, 3),
        (0b11, 255) => (tag & 0x3f, 6),
        (0b10, _) if tag & 3 < 3 => ((tag >> 2) & 0xf, 1 + (1 << (tag & 3))),
        _ => return None,
    };
    let body = bytes.get(header..)?;
    // 5 is a secret key, and 7 is a secret subkey.
    let ([4 | 6, _, _, _, _, algorithm, rest @ ..], 5 | 7) = (body, tag) else { return None };
    let secret = if body[0] == 6 {
        let size = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
        rest.get(4 + usize::try_from(size).ok()?..)?
    } else {
        match algorithm {
            1..=3 => numbers(rest, 2)?,
            16 => numbers(rest, 3)?,
            17 => numbers(rest, 4)?,
            18 => after_octets(numbers(after_octets(rest)?, 1)?)?,
            19 | 22 => numbers(after_octets(rest)?, 1)?,
            25 | 27 => rest.get(32..)?,
            26 => rest.get(56..)?,
            28 => rest.get(57..)?,
            _ => return None,
        }
    };
    secret.first().map(|usage| *usage != 0)
}

/// Skips `count` numbers, each with its length in bits.
fn numbers(mut bytes: &[u8], count: usize) -> Option<&[u8]> {
    for _ in 0..count {
        let bits = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
        bytes = bytes.get(2 + bits.div_ceil(8)..)?;
    }
    Some(bytes)
}

/// Skips octets with their length.
fn after_octets(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(1 + usize::from(*bytes.first()?)..)
}
