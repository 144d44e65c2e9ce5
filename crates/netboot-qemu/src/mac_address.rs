//! The hardware address of a virtual network card.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The hardware address of one network card, such as `52:54:00:12:34:56`.
///
/// Parses from six pairs of hexadecimal digits, separated by `:` or `-`, and displays as iPXE's
/// `${net0/mac}` does: lower case, with colons. A group address (an odd first octet, IEEE 802) and
/// the address of zeros are refused, since no card has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// The address of these octets.
    ///
    /// # Errors
    /// [`Error::InvalidMacAddress`] for a group address and for zeros.
    pub fn new(octets: [u8; 6]) -> Result<Self, Error> {
        let address = Self(octets);
        if octets[0] & 1 == 1 || octets == [0; 6] {
            return Err(Error::InvalidMacAddress { value: address.to_string() });
        }
        Ok(address)
    }

    /// The octets in the order in which they are written.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.map(|octet| format!("{octet:02x}"));
        f.pad(&pairs.join(":"))
    }
}

impl FromStr for MacAddress {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::InvalidMacAddress { value: text.chars().take(80).collect() };
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
        Self::new(octets).map_err(|_| invalid())
    }
}

impl TryFrom<String> for MacAddress {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_separators_and_cases_parse_and_display_as_ipxe_does() {
        for text in ["52:54:00:AB:cd:01", "52-54-00-ab-CD-01"] {
            assert_eq!(text.parse::<MacAddress>().unwrap().to_string(), "52:54:00:ab:cd:01");
        }
    }

    #[test]
    fn what_no_card_has_is_refused() {
        for text in [
            "",
            "52:54:00:12:34",
            "52:54:00:12:34:56:78",
            "52:54-00:12:34:56",
            "52:54:00:12:34:5g",
            "5:254:00:12:34:56",
            "+2:54:00:12:34:56",
            "01:00:5e:00:00:01",
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
            "52:54:00:12:34:56,mac=x",
        ] {
            assert!(text.parse::<MacAddress>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_survives_its_text(mut octets: [u8; 6]) {
            octets[0] &= 0xfe;
            prop_assume!(octets != [0; 6]);
            let address = MacAddress::new(octets).unwrap();
            prop_assert_eq!(address.to_string().parse::<MacAddress>().unwrap(), address);
            prop_assert_eq!(address.octets(), octets);
        }
    }
}
