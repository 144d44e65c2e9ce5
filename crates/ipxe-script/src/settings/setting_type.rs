//! The types of settings, which decide how a value is read and printed (`SETTING_TYPES` in iPXE's
//! `src/core/settings.c`).

use crate::dialect::{Dialect, Version, WordSize};
use crate::number;
use crate::settings::encoding;

/// The type of a setting, which decides how its bytes are read and printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SettingType {
    /// Plain text.
    String,
    /// Text that iPXE percent-encodes when it prints it and decodes when it reads it.
    UriString,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A number of one, two or four bytes, printed in decimal with a sign or in hexadecimal.
    Integer {
        /// The number of bytes.
        bytes: u8,
        /// True if it has a sign, as `int8` has and `uint8` has not.
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
    /// A UUID. Builds of 2019 cannot read it.
    Uuid,
    /// A UUID with its first three fields in little-endian order.
    Guid,
    /// A place on the PCI bus. iPXE cannot read it.
    BusDevFn,
}

impl SettingType {
    /// Finds the type of this name, such as `hexhyp`, in a version.
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

    /// Reads a text as bytes. Returns `None` if it is not a value of the type, or if iPXE cannot
    /// read the type.
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

    /// Prints bytes as text. Returns `None` if they are not a value of the type.
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

    /// Reads bytes as a number. Returns `None` if the type is not numeric or the number is too
    /// large.
    pub(crate) fn numerate(self, bytes: &[u8], build: Dialect) -> Option<u64> {
        match self {
            Self::Integer { signed, .. } => number::of_bytes(bytes, signed, build.word_size),
            _ => None,
        }
    }

    /// Converts a number to bytes. Returns `None` if the type is not numeric.
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

/// Prints a number in decimal. iPXE cannot negate the smallest number, so its digits become the
/// characters before `0` (`format_decimal` in iPXE's `src/core/vsprintf.c`).
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
