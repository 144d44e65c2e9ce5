//! Hardware addresses of network cards.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::invalid_value::{InvalidValue, TextProblem, ValueKind};
use crate::validated_text::text_conversions;

/// The hardware address of one network card, such as `52:54:00:12:34:56`.
///
/// It parses from six pairs of hexadecimal digits, separated by `:` or `-`. It displays like iPXE's
/// `${net0/mac}`: in lower case, with colons. Group addresses (an odd first octet, IEEE 802) and
/// the address of zeros are refused, because no card has such an address.
///
/// ```
/// use netboot_core::MacAddress;
///
/// let mac: MacAddress = "52-54-00-AB-CD-01".parse()?;
/// assert_eq!(mac.to_string(), "52:54:00:ab:cd:01");
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// Creates an address from its octets.
    ///
    /// # Errors
    /// [`InvalidValue`] for a group address and for zeros.
    pub fn new(octets: [u8; 6]) -> Result<Self, InvalidValue> {
        let address = Self(octets);
        if octets[0] & 1 == 1 || octets == [0; 6] {
            let expected = "the address of one card, not a group address or zeros";
            let problem = TextProblem::Malformed { expected };
            return Err(InvalidValue::new(ValueKind::MacAddress, &address.to_string(), problem));
        }
        Ok(address)
    }

    /// Returns the octets in the order in which they are written.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Returns the address with `separator` between the octets, such as `-` for iPXE's
    /// `${net0/mac:hexhyp}` or nothing for `${net0/mac:hexraw}`.
    pub fn separated_by(self, separator: &str) -> String {
        self.0.map(|octet| format!("{octet:02x}")).join(separator)
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.separated_by(":"))
    }
}

impl FromStr for MacAddress {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let invalid = || {
            let problem = TextProblem::Malformed { expected: "six pairs of hexadecimal digits" };
            InvalidValue::new(ValueKind::MacAddress, text, problem)
        };
        let separator = if text.contains(':') { ':' } else { '-' };
        let mut octets = [0; 6];
        let mut pairs = text.split(separator);
        for octet in &mut octets {
            let pair = pairs.next().ok_or_else(invalid)?;
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(invalid());
            }
            *octet = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        if pairs.next().is_some() {
            return Err(invalid());
        }
        Self::new(octets).map_err(|error| InvalidValue { value: text.to_owned(), ..error })
    }
}

text_conversions!(MacAddress, InvalidValue);

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> Self {
        address.to_string()
    }
}
