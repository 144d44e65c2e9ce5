//! Selects machines by their keys.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dispatch::key::{KeyKind, MachineKey};
use crate::error::Error;

/// Matches the machines that have all its keys.
///
/// If several selectors match a machine, the most specific selector wins. Keys are compared by kind
/// in the order MAC address, UUID, serial number, asset tag, setting, architecture. The selector
/// with the earlier kind at the first difference is more specific. A selector with all the kinds of
/// another and more is more specific too. A fleet refuses two selectors that may match the same
/// machine if neither is more specific.
///
/// ```
/// use netboot_ipxe::{MachineKey, Selector};
///
/// let rack = Selector::new([MachineKey::setting("manufacturer", "Example Inc.")?])?;
/// let one = Selector::new([MachineKey::mac("52:54:00:12:34:56")?])?;
/// assert!(one.is_more_specific_than(&rack));
/// # Ok::<(), netboot_ipxe::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<MachineKey>", into = "Vec<MachineKey>")]
pub struct Selector(Vec<MachineKey>);

impl Selector {
    /// Matches machines that have all of `keys`.
    ///
    /// # Errors
    /// [`Error::InvalidSelector`] without a key, or with two keys of the same kind.
    pub fn new(keys: impl IntoIterator<Item = MachineKey>) -> Result<Self, Error> {
        let mut keys: Vec<MachineKey> = keys.into_iter().collect();
        keys.sort();
        let invalid = |problem| Err(Error::InvalidSelector { problem });
        if keys.is_empty() {
            return invalid("it has no key");
        }
        let kinds: BTreeSet<KeyKind<'_>> = keys.iter().map(MachineKey::kind).collect();
        if kinds.len() < keys.len() {
            return invalid("it has two keys of the same kind, and no machine has both");
        }
        Ok(Self(keys))
    }

    /// The keys, the closest first.
    pub fn keys(&self) -> &[MachineKey] {
        &self.0
    }

    /// The closest key.
    pub(crate) fn first(&self) -> &MachineKey {
        // `new` refuses an empty list.
        &self.0[0]
    }

    /// Returns true if it is more specific than `other`.
    pub fn is_more_specific_than(&self, other: &Self) -> bool {
        self.specificity(other) == Ordering::Less
    }

    /// Compares two selectors. `Less` means that this one is more specific than `other`.
    pub(crate) fn specificity(&self, other: &Self) -> Ordering {
        let ranks = |selector: &'_ Self| -> Vec<u8> {
            // The end of the list comes after all kinds.
            let ranks = selector.0.iter().map(|key| key.kind().rank());
            ranks.chain([u8::MAX]).collect()
        };
        ranks(self).cmp(&ranks(other))
    }

    /// Returns true if a machine may match both selectors.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let clash = |one: &MachineKey, two: &MachineKey| one.kind() == two.kind() && one != two;
        !self.0.iter().any(|one| other.0.iter().any(|two| clash(one, two)))
    }

    /// The kinds of its keys, in order.
    pub(crate) fn kinds(&self) -> Vec<KeyKind<'_>> {
        self.0.iter().map(MachineKey::kind).collect()
    }
}

impl From<MachineKey> for Selector {
    fn from(key: MachineKey) -> Self {
        Self(vec![key])
    }
}

impl TryFrom<Vec<MachineKey>> for Selector {
    type Error = Error;
    fn try_from(keys: Vec<MachineKey>) -> Result<Self, Error> {
        Self::new(keys)
    }
}

impl From<Selector> for Vec<MachineKey> {
    fn from(selector: Selector) -> Self {
        selector.0
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" and ")?;
            }
            fmt::Display::fmt(key, f)?;
        }
        Ok(())
    }
}
