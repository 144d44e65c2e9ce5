//! The types of settings: how a value is read and printed (`SETTING_TYPES` in iPXE's
//! `src/core/settings.c`).

use crate::dialect::{Dialect, Version, WordSize};
use crate::number;
use crate::settings::encoding;

/// How the bytes of a setting are read and printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SettingType {
    /// Text as it is.
    String,
    /// Text that is percent-encoded when it is printed and decoded when it is read.
    UriString,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A number of one, two or four bytes: printed in decimal with a sign, or in hexadecimal.
    Integer {
        /// How many bytes are stored.
        bytes: u8,
        /// Whether it has a sign: `int8`, and not `uint8`.
        signed: bool,
    },
    /// Hexadecimal digits with `:` between bytes.
    Hex,
    /// Hexadecimal digits with `-` between bytes.
    HexHyphen,
    /// Hexadecimal digits.
    HexRaw,
    /// Base64.
    Base64,
    /// A UUID; builds of 2019 only print it.
    Uuid,
    /// A UUID whose first three fields have their bytes in little-endian order.
    Guid,
    /// A place on the PCI bus, which is only printed.
    BusDevFn,
}

impl SettingType {
    /// The type of this name, such as `hexhyp`, if the version has it.
    pub fn find(name: &[u8], version: Version) -> Option<Self> {
        let integer = |bytes, signed| Some(Self::Integer { bytes, signed });
        match name {
            b"string" => Some(Self::String),
            b"uristring" => Some(Self::UriString),
            b"ipv4" => Some(Self::Ipv4),
            b"ipv6" => Some(Self::Ipv6),
            b"int8" => integer(1, true),
            b"int16" => integer(2, true),
            b"int32" => integer(4, true),
            b"uint8" => integer(1, false),
            b"uint16" => integer(2, false),
            b"uint32" => integer(4, false),
            b"hex" => Some(Self::Hex),
            b"hexhyp" => Some(Self::HexHyphen),
            b"hexraw" => Some(Self::HexRaw),
            b"base64" => Some(Self::Base64),
            b"uuid" => Some(Self::Uuid),
            b"guid" if version >= Version::V1_21 => Some(Self::Guid),
            b"busdevfn" => Some(Self::BusDevFn),
            _ => None,
        }
    }

    /// The bytes that are stored for this text; none if it is no such value, or if the type cannot
    /// be read.
    pub(crate) fn parse(self, text: &[u8], build: Dialect) -> Option<Vec<u8>> {
        match self {
            Self::String => Some(text.to_vec()),
            Self::UriString => Some(encoding::uri_decode(text)),
            Self::Ipv4 => encoding::ipv4_decode(text),
            Self::Ipv6 => encoding::ipv6_decode(text),
            Self::Integer { .. } => {
                let (number, length) = number::parse(text, 0, build.word_size);
                if length == text.len() { self.denumerate(number) } else { None }
            }
            Self::Hex => encoding::hex_decode(text, Some(b':'), false),
            Self::HexHyphen => encoding::hex_decode(text, Some(b'-'), false),
            Self::HexRaw => encoding::hex_decode(text, None, false),
            Self::Base64 => encoding::base64_decode(text),
            Self::Uuid if build.version < Version::V1_21 => None,
            Self::Uuid => encoding::hex_decode(text, Some(b'-'), true).filter(|b| b.len() == 16),
            Self::Guid => {
                let bytes = encoding::hex_decode(text, Some(b'-'), true)?;
                encoding::swap_guid(&bytes)
            }
            Self::BusDevFn => None,
        }
    }

    /// The text that is printed for these bytes; none if they are no such value.
    pub(crate) fn format(self, bytes: &[u8], build: Dialect) -> Option<Vec<u8>> {
        let size = build.word_size;
        match self {
            Self::String => Some(bytes.to_vec()),
            Self::UriString => Some(encoding::uri_encode(bytes, b"/#:@?=&")),
            Self::Ipv4 => encoding::ipv4_encode(bytes),
            Self::Ipv6 => encoding::ipv6_encode(bytes),
            Self::Integer { signed, .. } => {
                let number = number::of_bytes(bytes, signed, size)?;
                Some(if signed {
                    print_signed(size.signed(number), size)
                } else {
                    format!("{number:#x}").into_bytes()
                })
            }
            Self::Hex => Some(encoding::hex_encode(bytes, ":")),
            Self::HexHyphen => Some(encoding::hex_encode(bytes, "-")),
            Self::HexRaw => Some(encoding::hex_encode(bytes, "")),
            Self::Base64 => Some(encoding::base64_encode(bytes)),
            Self::Uuid => encoding::uuid_encode(bytes),
            Self::Guid => encoding::uuid_encode(&encoding::swap_guid(bytes)?),
            Self::BusDevFn => {
                let place = number::of_bytes(bytes, false, size)?;
                let (segment, bus) = ((place >> 16) & 0xffff, (place >> 8) & 0xff);
                let (slot, function) = ((place >> 3) & 0x1f, place & 7);
                Some(format!("{segment:04x}:{bus:02x}:{slot:02x}.{function:x}").into_bytes())
            }
        }
    }

    /// The bytes as a number; none if the type has no numbers, or the number is too large.
    pub(crate) fn numerate(self, bytes: &[u8], build: Dialect) -> Option<u64> {
        match self {
            Self::Integer { signed, .. } => number::of_bytes(bytes, signed, build.word_size),
            _ => None,
        }
    }

    /// The bytes that are stored for a number; none if the type has no numbers.
    pub(crate) fn denumerate(self, number: u64) -> Option<Vec<u8>> {
        match self {
            Self::Integer { bytes, .. } => {
                let all = number.to_be_bytes();
                all.get(all.len() - usize::from(bytes)..).map(<[u8]>::to_vec)
            }
            _ => None,
        }
    }
}

/// Prints a number in decimal. iPXE cannot turn the sign of the least number of all, so its digits
/// come out as the characters before `0` (`format_decimal` in iPXE's `src/core/vsprintf.c`).
fn print_signed(number: i64, size: WordSize) -> Vec<u8> {
    let least = match size {
        WordSize::Bits32 => i64::from(i32::MIN),
        WordSize::Bits64 => i64::MIN,
    };
    let mut text = number.to_string().into_bytes();
    if number == least {
        for digit in text.iter_mut().skip(1) {
            *digit = b'0' - (*digit - b'0');
        }
    }
    text
}
