//! Makes text from outside safe to show: the output of programs, the answers of servers, the
//! consoles of machines, file names.
//!
//! Such text can be endless, can control a terminal, and can look like a message of the program
//! that shows it. A [`ForeignText`] cannot:
//!
//! ```
//! use foreign_text::ForeignText;
//!
//! let answer = "no such file\u{1b}[2K\r\nerror: the disk was formatted\u{202e}";
//! let shown = format!("the server says: {}", ForeignText::new(answer));
//! assert_eq!(shown, "the server says: no such file\n  | error: the disk was formatted");
//! ```
//!
//! This crate depends on no other crate of this repository, because all of them show such text.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod clean;
mod cut;
mod text;

pub use crate::clean::is_printable;
pub use crate::cut::CutMark;
pub use crate::text::ForeignText;
