//! The program `netboot`, by its real binary.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod completions;
