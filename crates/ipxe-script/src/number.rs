//! Numbers as iPXE reads them (`strtoul` in iPXE's `src/core/string.c`).

use crate::dialect::{Version, WordSize};
use crate::script::token::is_space;

/// Reads the number at the start of a text, and counts the bytes that belong to it.
///
/// With base 0, `0x` starts a hexadecimal number and `0` an octal one. White space and a sign
/// belong to the number even if no digit follows; the number is then 0. Numbers that are too large
/// wrap around.
pub(crate) fn parse(text: &[u8], base: u32, size: WordSize) -> (u64, usize) {
    let at = |index: usize| text.get(index).copied().unwrap_or(0);
    let mut index = text.iter().take_while(|byte| is_space(**byte)).count();
    let negative = at(index) == b'-';
    index += usize::from(matches!(at(index), b'-' | b'+'));
    let mut base = base;
    if base == 0 {
        base = 10;
        if at(index) == b'0' {
            (index, base) = (index + 1, 8);
            if matches!(at(index), b'x' | b'X') {
                (index, base) = (index + 1, 16);
            }
        }
    }
    let mut number: u64 = 0;
    while let Some(digit) = char::from(at(index)).to_digit(base) {
        number = number.wrapping_mul(u64::from(base)).wrapping_add(u64::from(digit));
        index += 1;
    }
    let number = if negative { number.wrapping_neg() } else { number };
    (size.wrap(number), index)
}

impl Version {
    /// Reads an argument that is a number of 32 bits, such as the seconds of `sleep`
    /// (`parse_integer` in iPXE's `src/core/parseopt.c`).
    ///
    /// Returns `None` if iPXE refuses it. An empty text is 0 for builds of 2019.
    pub fn parse_integer(self, text: &[u8]) -> Option<u32> {
        integer(text, self < Self::V1_21)
    }
}

/// Reads the whole text as a number of 32 bits.
pub(crate) fn integer(text: &[u8], empty_is_zero: bool) -> Option<u32> {
    if text.is_empty() {
        return empty_is_zero.then_some(0);
    }
    let (number, length) = parse(text, 0, WordSize::Bits32);
    if length == text.len() { u32::try_from(number).ok() } else { None }
}

/// Reads bytes as a number, the most significant byte first. Returns `None` if the number has more
/// bytes than iPXE's numbers (`numeric_setting_value` in iPXE's `src/core/settings.c`).
pub(crate) fn of_bytes(bytes: &[u8], signed: bool, size: WordSize) -> Option<u64> {
    let negative = signed && bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let pad = if negative { 0xff } else { 0 };
    let extra = bytes.len().saturating_sub(size.bytes());
    if bytes.iter().take(extra).any(|byte| *byte != pad) {
        return None;
    }
    let start = if negative { u64::MAX } else { 0 };
    let number = bytes.iter().fold(start, |number, byte| (number << 8) | u64::from(*byte));
    Some(size.wrap(number))
}
