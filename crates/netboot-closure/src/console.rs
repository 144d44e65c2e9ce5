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

#[cfg(feature = "serde")]
mod as_text;
mod card;
mod failure;
mod failure_cause;
mod fetch_problem;
mod frame;
mod item;
mod line;
mod progress;
mod report;
mod short_digest;
mod status;
mod store_form;
mod template;
mod text;
mod warning;

pub use self::card::{Card, InterfaceName};
pub use self::failure::Failure;
pub use self::failure_cause::FailureCause;
pub use self::fetch_problem::FetchProblem;
pub use self::item::Item;
pub use self::line::ConsoleLine;
pub use self::progress::{StoreProgress, StoreSummary};
pub use self::short_digest::ShortDigest;
pub use self::status::StoreStatus;
pub use self::store_form::StoreForm;
pub use self::text::ConsoleText;
pub use self::warning::Warning;

/// Begins a row of a terminal, and erases what another program left there. systemd shows the jobs
/// that it waits for without a line end.
pub const ROW_START: &str = "\r\u{1b}[K";
