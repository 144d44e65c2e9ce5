//! Runs child processes by one policy, so that none outlives the work that it was started for.
//!
//! A [`Command`] names a program. [`Command::run`] runs it to its end and gives its status, its
//! output and the last lines of its standard error. [`Command::start`] starts a long-lived program,
//! such as a virtual machine or a shared ssh connection, and gives a [`Child`].
//!
//! ```
//! use netboot_process::Command;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let never_cancelled = std::future::pending();
//! let finished = Command::new("sh")
//!     .args(["-c", "echo one; echo two >&2; exit 3"])
//!     .run(never_cancelled)
//!     .await?;
//! assert_eq!(finished.status.code(), Some(3));
//! assert_eq!(finished.output, b"one\n");
//! assert_eq!(finished.last_lines.to_vec(), ["two"]);
//! # Ok::<(), netboot_process::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The policy
//! - A child leads its own process group. Ctrl-C in a terminal therefore reaches only the caller,
//!   which then ends the child in order.
//! - Standard input is empty unless the caller supplies it.
//! - Standard output and standard error are read at the same time, so a child never waits for a
//!   reader. Lines and collected output have a bounded length.
//! - A child inherits the variables that locate programs and files, choose the language and tell
//!   how to reach the network, and no other: see [`is_inherited`].
//! - To end a child, the group gets SIGTERM. What still runs after the grace time gets SIGKILL.
//!   Descendants that left the group, for example by `setsid`, get SIGKILL after the group has
//!   ended or the grace time is over.
//! - A child is ended when the run is cancelled, when the future or the [`Child`] is dropped, and
//!   when the caller itself is killed. For the last case a small shell, the *guard*, watches a pipe
//!   to the caller.
//! - A child may end and leave a process behind that holds its pipes. The pipes are read for two
//!   more seconds, and then the group is killed.
//!
//! # How to write a run
//! A program that reads lines, has its own working directory and needs one more variable of its
//! caller:
//!
//! ```
//! use std::time::Duration;
//!
//! use netboot_process::Command;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let mut lines = Vec::new();
//! let finished = Command::new("sh")
//!     .args(["-c", "pwd; echo \"$LC_ALL\""])
//!     .current_dir("/")
//!     .env_inherit("SSH_AUTH_SOCK")
//!     .env("LC_ALL", "C")
//!     .grace(Duration::from_secs(10))
//!     .on_output_line(|line| lines.push(line.to_owned()))
//!     .run(std::future::pending())
//!     .await?;
//! assert!(finished.status.success() && finished.output.is_empty());
//! assert_eq!(lines, ["/", "C"]);
//! # Ok::<(), netboot_process::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A filter takes its input from any reader, with [`Command::run_with_input`]. A
//! `CancellationToken` gives the future that cancels a run: `command.run(token.cancelled())`.
//!
//! Most callers have an error type of their own. They match [`Error::Cancelled`] first and turn
//! every other error into an [`std::io::Error`], which keeps its kind.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod child;
mod command;
mod environment;
mod error;
mod group;
mod guard;
mod last_lines;
mod lines;
mod process_tree;
mod run;

pub use crate::child::{Child, Pipes};
pub use crate::command::Command;
pub use crate::environment::is_inherited;
pub use crate::error::Error;
pub use crate::last_lines::LastLines;
pub use crate::run::Finished;
