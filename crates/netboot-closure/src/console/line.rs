//! A line on the console.

use std::fmt;

use crate::boot_parameter::HttpUrl;
use crate::console::failure::Failure;
use crate::console::fetch_problem::FetchProblem;
use crate::console::frame;
use crate::console::item::Item;
use crate::console::progress::{StoreProgress, StoreSummary};
use crate::console::short_digest::ShortDigest;
use crate::console::store_form::StoreForm;
use crate::console::template::{Field, Printed, template};
use crate::console::text::ConsoleText;
use crate::console::warning::Warning;

/// A line on the console. The [module](crate::console) has an example.
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
        /// The part of the closure that is there.
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
        /// The work that it took.
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
