//! Errors as causes of a failed boot.

use netboot_closure::boot_parameter::StoreChoice;
use netboot_closure::console::{ConsoleText, FailureCause, StoreForm};

use crate::error::Error;

/// Returns the cause of a failed boot, for the last word. `choice` is what `netboot.store` allows.
pub(crate) fn cause(error: &Error, choice: StoreChoice) -> FailureCause {
    match error {
        Error::Memory { tmpfs, zram, available } => {
            let less = zram.bytes().filter(|zram| (*available + 1..*tmpfs).contains(zram));
            let (needed, form) = match less.filter(|_| choice != StoreChoice::Tmpfs) {
                Some(zram) => (zram, StoreForm::Zram),
                None => (*tmpfs, StoreForm::Tmpfs),
            };
            FailureCause::MemoryTooSmall { needed, available: *available, form }
        }
        Error::Room { .. } | Error::StoreFull { .. } => {
            FailureCause::StoreTooSmall { reason: ConsoleText::new(error.to_string()) }
        }
        Error::Io { action, path, source } => FailureCause::InputOutput {
            action: ConsoleText::new(format!("{action} {}", path.display())),
            reason: ConsoleText::new(source.to_string()),
        },
    }
}
