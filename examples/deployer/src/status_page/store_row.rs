//! The texts about the store of a machine with a closure.

use netboot_closure::console::{Failure, StoreStatus};
use serde::Serialize;

/// The part of its closure that a machine has.
#[derive(Debug, Default, Serialize)]
pub(super) struct StoreRow {
    /// The beginning of the index's digest.
    pub(super) index: Option<String>,
    /// The bytes that the machine has, and those of the whole closure, for a bar.
    pub(super) done: u64,
    pub(super) total: u64,
    /// The store paths and bytes, in words.
    pub(super) progress: String,
    /// Retries, mirrors and warnings, in words.
    pub(super) notes: Vec<String>,
    /// The last word of stage 1, and what to do about it.
    pub(super) failure: Option<String>,
    pub(super) hint: Option<String>,
}

impl StoreRow {
    pub(super) fn of(status: &StoreStatus) -> Self {
        let progress = status.progress;
        let mut notes = Vec::new();
        if status.retries > 0 {
            let last = status.last_problem.as_ref();
            let last = last.map(|problem| format!("; the last because {problem}"));
            notes.push(format!("retries: {}{}", status.retries, last.unwrap_or_default()));
        }
        notes.extend(status.mirrors.last().map(|mirror| format!("now from the mirror {mirror}")));
        notes.extend(status.warnings.iter().map(|warning| format!("warning: {warning}")));
        let failure = status.failure.as_ref();
        Self {
            index: status.index.map(|index| index.to_string()),
            done: progress.bytes,
            total: progress.all_bytes,
            progress: progress.to_string(),
            notes,
            failure: failure.map(ToString::to_string),
            hint: failure.map(Failure::hint),
        }
    }
}
