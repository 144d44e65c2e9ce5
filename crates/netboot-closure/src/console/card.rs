//! The network card in a last word.

use std::fmt;

use crate::boot_parameter::CardAddress;
use crate::console::template::{Field, template};

/// The name of a network interface, such as `eth0`.
///
/// ```
/// use netboot_closure::console::InterfaceName;
///
/// assert_eq!(InterfaceName::new("enp0s3").to_string(), "enp0s3");
/// assert_eq!(InterfaceName::new("a b\n").to_string(), "a_b_");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The greatest length: `IFNAMSIZ` of Linux without the zero at the end.
    const LIMIT: usize = 15;

    /// Makes a name printable. Characters other than letters, digits, `-`, `_`, `.`, `:` and `@`
    /// become `_`.
    pub fn new(name: &str) -> Self {
        let safe = |character: char| {
            let is_safe = character.is_ascii_alphanumeric() || "-_.:@".contains(character);
            if is_safe { character } else { '_' }
        };
        Self(name.chars().take(Self::LIMIT).map(safe).collect())
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Field for InterfaceName {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }

    fn parse(text: &str) -> Option<Self> {
        Some(Self::new(text)).filter(|name| name.0 == text)
    }
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a card is known by its name and its address")]
pub struct Card {
    /// The name of its interface.
    pub interface: InterfaceName,
    /// Its address.
    pub address: CardAddress,
}

template!(struct Card: "" interface " " address "");
