//! The beginning of a digest.

use std::fmt;

use crate::console::template::Field;
use crate::sha256::Sha256;

/// The first six bytes of a digest, as 12 hexadecimal digits. People compare it by eye; a machine
/// compares the whole digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortDigest([u8; 6]);

impl From<&Sha256> for ShortDigest {
    fn from(digest: &Sha256) -> Self {
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&digest.as_bytes()[..6]);
        Self(bytes)
    }
}

impl fmt::Display for ShortDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Field for ShortDigest {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }

    fn parse(text: &str) -> Option<Self> {
        let whole = Sha256::from_hex(&format!("{text:0<64}")).ok()?;
        Some(Self::from(&whole)).filter(|short| short.to_string() == text)
    }
}
