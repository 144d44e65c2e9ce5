//! The lines that stage 1 prints on the console.
//!
//! People read them on a serial console, and programs read them from there. So each line is a plain
//! sentence between a prefix and a checksum, and [`ConsoleLine::parse`] returns exactly the value
//! that was printed:
//!
//! ```
//! use netboot_closure::console::{ConsoleLine, StoreProgress};
//!
//! let progress = StoreProgress {
//!     paths: 12,
//!     all_paths: 288,
//!     bytes: 40_321_123,
//!     all_bytes: 184_320_511,
//!     from_network: 39_000_000,
//!     from_disk: 1_321_123,
//! };
//! let line = ConsoleLine::Progress { progress };
//! assert_eq!(
//!     line.to_string(),
//!     "netboot | 12 of 288 paths, 40,321,123 of 184,320,511 bytes; network 39,000,000, \
//!      disk 1,321,123 #b3f420",
//! );
//! let console = format!("[   25.918273] netboot-stage1[88]: {line}\r\n");
//! assert_eq!(ConsoleLine::parse(&console), Some(line));
//! ```
//!
//! # What cannot happen
//! - Text from outside, such as a server's message, cannot end a line or look like one: see
//!   [`ConsoleText`].
//! - A line that was cut, or that the kernel printed into, is not parsed: its checksum is wrong.
//! - A line in another program's message is not parsed: only times and the name of a process may
//!   stand before the prefix.
//!
//! # Printing
//! A program that shares the console with others prints [`ROW_START`], the line, and a line feed.

mod card;
mod failure;
mod failure_cause;
mod fetch_problem;
mod frame;
mod item;
mod report;
mod short_digest;
mod store_form;
mod template;
mod text;
mod warning;

use std::fmt;

pub use self::card::{Card, InterfaceName};
pub use self::failure::Failure;
pub use self::failure_cause::FailureCause;
pub use self::fetch_problem::FetchProblem;
pub use self::item::Item;
pub use self::short_digest::ShortDigest;
pub use self::store_form::StoreForm;
pub use self::text::ConsoleText;
pub use self::warning::Warning;
use crate::boot_parameter::HttpUrl;
use crate::console::template::{Field, Printed, template};

/// Begins a row of a terminal, and erases what another program left there. systemd shows the jobs
/// that it waits for without a line end.
pub const ROW_START: &str = "\r\u{1b}[K";

/// How much of the closure a machine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a line of progress has these parts and no others")]
pub struct StoreProgress {
    /// The store paths that are verified and in their place.
    pub paths: u64,
    /// The store paths of the closure.
    pub all_paths: u64,
    /// The sizes of the blobs of `paths`, in bytes.
    pub bytes: u64,
    /// The sizes of all blobs, in bytes.
    pub all_bytes: u64,
    /// The bytes that came from the network, also of blobs that were damaged or are incomplete.
    pub from_network: u64,
    /// The bytes that came from the disk cache.
    pub from_disk: u64,
}

template!(struct StoreProgress: "" paths " of " all_paths " paths, " bytes " of " all_bytes
    " bytes; network " from_network ", disk " from_disk "");

/// What a machine did to get the whole closure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the last line has these parts and no others")]
pub struct StoreSummary {
    /// The time from the start, in milliseconds.
    pub milliseconds: u64,
    /// The store paths of the closure.
    pub paths: u64,
    /// The bytes that came from the network.
    pub from_network: u64,
    /// The bytes that came from the disk cache.
    pub from_disk: u64,
    /// The number of further tries, of all files together.
    pub retries: u64,
}

template!(struct StoreSummary: "finished in " milliseconds " ms: " paths " paths; network "
    from_network ", disk " from_disk ", retries " retries "");

/// A line on the console. The [module](self) has an example.
///
/// `Display` writes it without a line feed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsoleLine {
    /// The program starts.
    Started {
        /// The version of Netboot.
        version: ConsoleText,
    },
    /// The index is verified and read.
    Index {
        /// The digest of its blob.
        digest: ShortDigest,
        /// The number of store paths.
        paths: u64,
        /// The sizes of their blobs, in bytes.
        bytes: u64,
        /// The size of the unpacked closure in bytes, in whole pages.
        unpacked_bytes: u64,
    },
    /// There is enough memory.
    Memory {
        /// The bytes that the boot needs.
        needed: u64,
        /// The bytes that are available.
        available: u64,
        /// The form of the store.
        form: StoreForm,
    },
    /// A part of the closure is there.
    Progress {
        /// How much of the closure is there.
        progress: StoreProgress,
    },
    /// A file is tried again.
    Retry {
        /// The file.
        item: Item,
        /// The number of the try that begins now, from 2.
        attempt: u32,
        /// The URL that failed.
        url: HttpUrl,
        /// The problem.
        problem: FetchProblem,
    },
    /// Files now come from another source.
    Mirror {
        /// The source from now on.
        to: HttpUrl,
        /// The source before.
        from: HttpUrl,
    },
    /// There is a problem that does not stop the boot.
    Warning {
        /// The problem.
        warning: Warning,
    },
    /// The closure is complete.
    Finished {
        /// What it took.
        summary: StoreSummary,
    },
    /// The boot cannot go on. This is the last line.
    Failed {
        /// The cause, and the state of the machine.
        failure: Failure,
    },
}

template!(text enum ConsoleLine:
    Started: "stage 1 of Netboot " version " starts";
    Index: "index " digest ": " paths " paths, " bytes " bytes to fetch, " unpacked_bytes
        " unpacked";
    Memory: "memory: " needed " bytes needed, " available " available; the store is in " form "";
    Progress: "" progress "";
    Retry: "trying " item " again (try " attempt ") after " url ": " problem "";
    Mirror: "fetching from " to " now, not from " from "";
    Warning: "warning: " warning "";
    Finished: "" summary "";
    Failed: "FAILED: " failure "";
);

impl ConsoleLine {
    /// Returns the line in a part of a console, such as one row.
    ///
    /// The part may have the output of other programs, escape sequences, and the stamps of a logger
    /// before the line. If it has several lines, the result is the last one.
    pub fn parse(console: &str) -> Option<Self> {
        frame::texts(console).iter().rev().find_map(|text| {
            // Only what `Display` writes is a line.
            let line = <Self as Field>::parse(text)?;
            (Printed(&line).to_string() == *text).then_some(line)
        })
    }
}

impl fmt::Display for ConsoleLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Printed(self).to_string();
        write!(f, "{}{text}{}", frame::PREFIX, frame::end(&text))
    }
}
