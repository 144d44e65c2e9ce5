//! The lines of a pointer that a signature needs: its counter, its name, and its best-before date.

use std::fmt::Write as _;
use std::time::SystemTime;

use netboot_core::PointerName;
use netboot_core::layout::HISTORY_PREFIX;

use super::activation::seconds;

/// The greatest counter. A publisher can always count one further, in 64 bits.
const COUNTER_LIMIT: u64 = i64::MAX.unsigned_abs();

/// The values that tell a pointer from every other pointer, also from those of the same release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Each pointer of a place has a greater counter than the pointer that it replaced.
    pub(crate) counter: u64,
    /// The name of the pointer, such as `current`.
    pub(crate) name: PointerName,
    /// Seconds since 1970. After that, the pointer must no longer be trusted.
    pub(crate) best_before: Option<u64>,
}

impl Stamp {
    /// Takes the stamp from the front of `words`, the lines after their prefixes. Returns `None` if
    /// there is none that can be understood.
    pub(crate) fn take(lines: &mut &[&str]) -> Option<Self> {
        let [counter, name, rest @ ..] = lines else { return None };
        let counter = counter.strip_prefix("counter ")?.parse().ok()?;
        let name = name.strip_prefix("name ")?.parse().ok()?;
        *lines = rest;
        let mut best_before = None;
        if let [date, rest @ ..] = *lines
            && let Some(date) = date.strip_prefix("best-before ")
        {
            best_before = Some(date.parse().ok()?);
            *lines = rest;
        }
        (counter <= COUNTER_LIMIT).then_some(Self { counter, name, best_before })
    }

    /// Adds the lines of the stamp to a pointer.
    pub(crate) fn write(&self, text: &mut String) {
        let _ = writeln!(text, "{HISTORY_PREFIX}counter {}", self.counter);
        let _ = writeln!(text, "{HISTORY_PREFIX}name {}", self.name);
        if let Some(best_before) = self.best_before {
            let _ = writeln!(text, "{HISTORY_PREFIX}best-before {best_before}");
        }
    }

    /// The comment that a signature protects. It ties the signature to this pointer.
    pub(crate) fn trusted_comment(&self) -> String {
        format!("netboot pointer {} counter {}", self.name, self.counter)
    }

    /// Returns the best-before date, in seconds since 1970, if it has passed.
    pub(crate) fn expired(&self, now: SystemTime) -> Option<u64> {
        self.best_before.filter(|date| seconds(now) > *date)
    }
}
