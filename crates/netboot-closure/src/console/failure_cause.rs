//! The causes of a failure of stage 1.

use crate::boot_parameter::{CardAddress, HttpUrl};
use crate::console::fetch_problem::FetchProblem;
use crate::console::item::Item;
use crate::console::store_form::StoreForm;
use crate::console::template::template;
use crate::console::text::ConsoleText;
use crate::store_path::StorePath;

/// The cause of a failure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FailureCause {
    /// The kernel command line has no `netboot.index`.
    IndexParameterMissing,
    /// The kernel command line has no `netboot.from`.
    SourceParameterMissing,
    /// A kernel parameter cannot be understood.
    ParameterMalformed {
        /// The parameter and its fault.
        reason: ConsoleText,
    },
    /// No network interface has the address of the card that booted. Linux has no driver for the
    /// card, as a rule.
    CardMissing {
        /// The address in `BOOTIF`.
        wanted: CardAddress,
        /// The interfaces that there are, with their addresses.
        interfaces: ConsoleText,
    },
    /// The card got no network address in time.
    AddressMissing {
        /// The time in seconds.
        seconds: u64,
    },
    /// A file could not be fetched from any source.
    FetchFailed {
        /// The file.
        item: Item,
        /// The URL of the last try.
        url: HttpUrl,
        /// The number of tries, of all sources together.
        tries: u32,
        /// The problem of the last try.
        problem: FetchProblem,
    },
    /// The index has the right digest, but this version of Netboot cannot read it.
    IndexMalformed {
        /// The fault.
        reason: ConsoleText,
    },
    /// The machine has too little memory for the closure.
    MemoryTooSmall {
        /// The bytes that the boot needs.
        needed: u64,
        /// The bytes that are available.
        available: u64,
        /// The form of the store that needs the least, of those that the parameters allow.
        form: StoreForm,
    },
    /// The blob of a store path has the right digest, but its archive cannot be unpacked.
    PathRefused {
        /// The store path.
        path: StorePath,
        /// The fault of the archive.
        reason: ConsoleText,
    },
    /// Writing to the store in zram made no progress.
    ZramStalled {
        /// The time without progress in seconds.
        seconds: u64,
    },
    /// The store has no room left.
    StoreFull {
        /// The store path that did not fit.
        path: StorePath,
    },
    /// The closure needs more room or memory than the store has.
    StoreTooSmall {
        /// The needed and the available size.
        reason: ConsoleText,
    },
    /// A file of the store cannot be read or written.
    InputOutput {
        /// The operation and the file.
        action: ConsoleText,
        /// The message of the operating system.
        reason: ConsoleText,
    },
    /// The closure is complete, but the `init` program of the index is not in it.
    InitMissing {
        /// The program.
        init: ConsoleText,
    },
}

template!(enum FailureCause:
    IndexParameterMissing: "the kernel parameter netboot.index is missing";
    SourceParameterMissing: "the kernel parameter netboot.from is missing";
    ParameterMalformed: "a kernel parameter is malformed: " reason "";
    CardMissing: "no network card has the address in BOOTIF, " wanted
        "; there are " interfaces "";
    AddressMissing: "the network card got no address in " seconds " s";
    FetchFailed: "cannot fetch " item " from " url " (tries: " tries "): " problem "";
    IndexMalformed: "the index cannot be read: " reason "";
    MemoryTooSmall: "not enough memory: " needed " bytes needed for the store in " form ", "
        available " bytes available";
    PathRefused: "cannot unpack " path ": " reason "";
    ZramStalled: "writing to zram made no progress for " seconds " s";
    StoreFull: "the store has no room left for " path "";
    StoreTooSmall: "the store is too small: " reason "";
    InputOutput: "cannot " action ": " reason "";
    InitMissing: "the closure does not have init " init "";
);
