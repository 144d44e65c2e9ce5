//! The address of a network card.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// The address of an Ethernet card, such as `52:54:00:12:34:56`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardAddress([u8; 6]);

/// The number of Ethernet, as `BOOTIF` has it ("HTYPE" in RFC 1700).
const ETHERNET: &str = "01-";

impl CardAddress {
    /// Makes an address of its bytes.
    pub fn from_bytes(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// The bytes of the address.
    pub fn as_bytes(&self) -> &[u8; 6] {
        &self.0
    }

    /// Reads the value of `BOOTIF`, such as `01-52-54-00-12-34-56`. Digits may be in upper case.
    pub fn from_bootif(value: &str) -> Option<Self> {
        Self::read(value.strip_prefix(ETHERNET)?, '-')
    }

    /// Writes the value of `BOOTIF`.
    pub fn to_bootif(self) -> String {
        format!("{ETHERNET}{}", self.to_string().replace(':', "-"))
    }

    fn read(text: &str, separator: char) -> Option<Self> {
        let mut bytes = [0; 6];
        let mut parts = text.split(separator);
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2 && !part.starts_with('+'))?;
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        parts.next().is_none().then_some(Self(bytes))
    }
}

impl FromStr for CardAddress {
    type Err = Error;

    /// Reads six bytes in base 16 with colons between them.
    ///
    /// # Errors
    /// [`Error::BootParameter`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::boot_parameter(text, "the address of a network card");
        Self::read(text, ':').ok_or_else(malformed)
    }
}

impl fmt::Display for CardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            let colon = if position == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}
