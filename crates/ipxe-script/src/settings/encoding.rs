//! Reads and writes values as text, as leniently as iPXE does (`src/core/uri.c`, `base16.c`,
//! `base64.c`, `uuid.c`, `src/net/ipv4.c` and `ipv6.c` of iPXE).

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use crate::dialect::WordSize;
use crate::number;
use crate::script::token::is_space;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Decodes percent-escapes. An escape is what `strtoul` reads of the two characters after a `%`: a
/// single digit or a sign is enough.
pub(crate) fn uri_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte == b'%' {
            let digits = behind.get(..behind.len().min(2)).unwrap_or_default();
            let (number, length) = number::parse(digits, 16, WordSize::Bits32);
            if length > 0 {
                decoded.push(number.to_le_bytes()[0]);
                rest = behind.get(length..).unwrap_or_default();
                continue;
            }
        }
        decoded.push(*byte);
    }
    decoded
}

/// Percent-encodes bytes that are not printable ASCII, spaces, `%`, and the bytes in `special`.
///
/// Every version writes bytes of 128 and more with their sign, such as `%FFFFFFC3`.
pub(crate) fn uri_encode(bytes: &[u8], special: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_graphic() && *byte != b'%' && !special.contains(byte) {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(escape(*byte).as_bytes());
        }
    }
    encoded
}

/// The percent-escape of a byte as iPXE writes it.
pub(crate) fn escape(byte: u8) -> String {
    format!("%{:02X}", i32::from(byte.cast_signed()))
}

/// Decodes pairs of hexadecimal digits with the separator between them, which may be optional.
pub(crate) fn hex_decode(text: &[u8], separator: Option<u8>, optional: bool) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut rest = text;
    while let Some(first) = rest.first() {
        if !bytes.is_empty()
            && let Some(separator) = separator
        {
            if *first == separator {
                rest = rest.get(1..)?;
            } else if !optional {
                return None;
            }
        }
        let digit = |index: usize| {
            let byte = rest.get(index).copied()?;
            char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
        };
        bytes.push((digit(0)? << 4) | digit(1)?);
        rest = rest.get(2..)?;
    }
    Some(bytes)
}

pub(crate) fn hex_encode(bytes: &[u8], separator: &str) -> Vec<u8> {
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let separator = if index == 0 { "" } else { separator };
        let _ = write!(text, "{separator}{byte:02x}");
    }
    text.into_bytes()
}

/// Decodes Base64. White space and the bits of an incomplete byte are ignored.
pub(crate) fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut accumulator, mut bits, mut pads) = (0_u32, 0_usize, 0_usize);
    for byte in text.iter().filter(|byte| !is_space(**byte)) {
        if *byte == b'=' {
            pads += 1;
            if pads > 2 {
                return None;
            }
            continue;
        }
        if pads > 0 {
            return None;
        }
        let value = BASE64.iter().position(|letter| letter == byte)?;
        accumulator = ((accumulator << 6) | u32::try_from(value).ok()?) & 0xffff;
        bits += 6;
        if bits % 8 < 6 {
            bytes.push((accumulator >> (bits % 8)).to_le_bytes()[0]);
        }
    }
    let significant = bits.checked_sub(2 * pads)?;
    if significant % 8 != 0 {
        return None;
    }
    bytes.truncate(significant / 8);
    Some(bytes)
}

pub(crate) fn base64_encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        let word = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let letter = usize::try_from((word >> shift) & 0x3f).unwrap_or_default();
            let within = index <= chunk.len();
            text.push(BASE64.get(letter).copied().filter(|_| within).unwrap_or(b'='));
        }
    }
    text
}

/// Reads four numbers of any base with `.` between them.
pub(crate) fn ipv4_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4);
    let mut rest = text;
    loop {
        let (number, length) = number::parse(rest, 0, WordSize::Bits32);
        if length == 0 {
            return None;
        }
        bytes.push(u8::try_from(number).ok()?);
        match (bytes.len(), rest.get(length)) {
            (4, None) => return Some(bytes),
            (1..=3, Some(b'.')) => rest = rest.get(length + 1..)?,
            _ => return None,
        }
    }
}

/// Writes the first address in `bytes`.
pub(crate) fn ipv4_encode(bytes: &[u8]) -> Option<Vec<u8>> {
    let [a, b, c, d] = bytes.first_chunk::<4>()?;
    Some(format!("{a}.{b}.{c}.{d}").into_bytes())
}

pub(crate) fn ipv6_decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    Some(text.parse::<Ipv6Addr>().ok()?.octets().to_vec())
}

pub(crate) fn ipv6_encode(bytes: &[u8]) -> Option<Vec<u8>> {
    let octets = bytes.first_chunk::<16>()?;
    Some(Ipv6Addr::from(*octets).to_string().into_bytes())
}

pub(crate) fn uuid_encode(bytes: &[u8]) -> Option<Vec<u8>> {
    let digits = hex_encode(<&[u8; 16]>::try_from(bytes).ok()?, "");
    let digits = String::from_utf8(digits).ok()?;
    let field = |start, end| digits.get(start..end);
    let fields = [field(0, 8)?, field(8, 12)?, field(12, 16)?, field(16, 20)?, field(20, 32)?];
    Some(fields.join("-").into_bytes())
}

/// Reverses the byte order of the first three fields of a UUID. Returns `None` unless it has 16
/// bytes.
pub(crate) fn swap_guid(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut swapped = <[u8; 16]>::try_from(bytes).ok()?;
    let (first, rest) = swapped.split_at_mut(4);
    first.reverse();
    let (second, rest) = rest.split_at_mut(2);
    second.reverse();
    rest.split_at_mut(2).0.reverse();
    Some(swapped.to_vec())
}
