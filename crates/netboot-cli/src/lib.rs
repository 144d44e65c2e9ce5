//! The program `netboot`, and the parts of it that services share.
//!
//! [`Target`] is a place that releases are published to, as people write it.
//! [`configuration::Configuration`] is the file `netboot.toml`.
#![cfg_attr(
    feature = "terminal",
    doc = "[`Progress`] and [`Signals`] are the frame of a program that works with events."
)]
#![cfg_attr(
    feature = "program",
    doc = "[`run`] is the whole program, and [`command`] describes its command line."
)]
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `terminal` | `Progress`, which shows events, and `Signals`, which end a program |
//! | `program` (default) | `run`, the program, and `command`, its command line |

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

#[cfg(feature = "program")]
mod answer;
#[cfg(feature = "program")]
mod arguments;
#[cfg(feature = "program")]
mod at_least_one;
#[cfg(feature = "program")]
mod closure_program;
#[cfg(feature = "program")]
mod commands;
pub mod configuration;
#[cfg(feature = "terminal")]
mod control_echo;
#[cfg(feature = "program")]
mod db_options;
#[cfg(feature = "program")]
mod document_options;
mod error;
#[cfg(feature = "program")]
mod exchange;
#[cfg(feature = "program")]
mod failure;
#[cfg(feature = "program")]
mod firmware_options;
#[cfg(feature = "program")]
mod global_options;
#[cfg(feature = "program")]
mod help;
#[cfg(feature = "program")]
mod image_directory;
#[cfg(feature = "program")]
mod key_options;
#[cfg(feature = "program")]
mod known_profiles;
#[cfg(feature = "program")]
mod machine_list;
#[cfg(feature = "program")]
mod misuse;
#[cfg(feature = "program")]
mod operator_words;
#[cfg(feature = "program")]
mod places;
#[cfg(feature = "program")]
mod pointer_lifetime;
#[cfg(feature = "program")]
mod program;
#[cfg(feature = "terminal")]
mod progress;
#[cfg(feature = "program")]
mod proof_options;
#[cfg(feature = "program")]
mod publication;
#[cfg(feature = "program")]
mod publication_options;
#[cfg(feature = "program")]
mod published_machines;
#[cfg(feature = "program")]
mod published_target;
#[cfg(feature = "program")]
mod publisher_options;
#[cfg(feature = "program")]
mod publisher_settings;
#[cfg(feature = "program")]
mod release_bills;
#[cfg(feature = "program")]
mod release_list;
#[cfg(feature = "program")]
mod release_prefix;
#[cfg(feature = "program")]
mod session;
#[cfg(feature = "program")]
mod shown_findings;
#[cfg(feature = "program")]
mod shown_receipt;
#[cfg(feature = "program")]
mod shown_time;
#[cfg(feature = "terminal")]
mod signals;
mod spelling;
#[cfg(feature = "program")]
mod standard_output;
#[cfg(feature = "program")]
mod state_directory;
mod target;
#[cfg(feature = "program")]
mod uki_options;
#[cfg(feature = "program")]
mod usage;
#[cfg(feature = "program")]
mod web_url;
#[cfg(feature = "program")]
mod went_live;

#[cfg(feature = "program")]
pub use crate::arguments::command;
pub use crate::error::Error;
#[cfg(feature = "program")]
pub use crate::program::run;
#[cfg(feature = "terminal")]
pub use crate::progress::Progress;
#[cfg(feature = "terminal")]
pub use crate::signals::Signals;
pub use crate::target::Target;
