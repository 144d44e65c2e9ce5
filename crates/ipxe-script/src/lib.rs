//! Reads and lints iPXE scripts, and knows what common builds of iPXE can do.
//!
//! iPXE reports nothing about a script until it executes the line, and a mistake then strands a
//! machine in a rack. This crate reads a script exactly as iPXE does and reports its mistakes
//! before a machine runs it. It is meant for everybody who writes or generates iPXE scripts.
//!
//! # Parse
//! [`Script::parse`] splits a script into lines, commands, words and expansions, each with its
//! position. [`commands`] has the options and arguments of each command, and [`settings`] expands
//! `${…}`. The tests of this crate compare these rules with real iPXE, on Debian's builds of 2019,
//! 1.21 and 2.0.
//!
//! ```
//! use ipxe_script::Script;
//!
//! let script = Script::parse("#!ipxe\n:retry chain --autofree \\\nmenu.ipxe || goto retry\n");
//! let line = &script.lines()[1];
//! assert_eq!(line.label().unwrap().text(), "retry");
//! let words: Vec<_> = line.commands()[0].tokens().iter().map(|word| word.text()).collect();
//! assert_eq!(words, ["chain", "--autofree", "menu.ipxe"]);
//! ```
//!
//! # Lint
//! [`lint`](fn@lint) follows the jumps of a script and reports what does not work, with a hint:
//!
//! ```
//! use ipxe_script::{IpxeBuild, lint};
//!
//! let script = "#!ipxe\nkernel vmlinuz || goto fialed\nboot\n:failed\necho no kernel\n";
//! let findings = lint(script, &IpxeBuild::default());
//! assert_eq!(findings[0].to_string(), "2:24: error: there is no label `fialed` to jump to");
//! assert_eq!(findings[0].kind.code(), "undefined-label");
//! println!("{}", findings[0].hint());
//! ```
//!
//! # Builds
//! iPXE is configured when it is built, so two builds of one version can differ in their commands,
//! options and protocols. An [`IpxeBuild`] is one build, or what several have in common. Debian's
//! builds and those of ipxe.org are known by name, and [`IpxeBuild::customize`] describes another.
//!
//! ```
//! use ipxe_script::{IpxeBuild, Protocol};
//!
//! let oldest = IpxeBuild::default();
//! assert_eq!(oldest.name(), "bookworm");
//! assert!(!oldest.has_protocol(Protocol::Https) && !oldest.has_command("poweroff"));
//!
//! let mine = oldest.customize("mine").protocol(Protocol::Https).build()?;
//! assert!(mine.has_protocol(Protocol::Https));
//! # Ok::<(), ipxe_script::Error>(())
//! ```
//!
//! # Write
//! [`lexical`] says whether a text can stand in a script as it is: iPXE has no quoting.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod build;
pub mod commands;
mod dialect;
mod error;
pub mod lexical;
mod lint;
mod number;
mod script;
pub mod settings;

pub use crate::build::{ImageFormat, IpxeBuild, IpxeBuildBuilder, Platform, Protocol, Quirk};
pub use crate::dialect::Version;
pub use crate::error::Error;
pub use crate::lint::{LintFinding, LintFindingKind, Linter, Severity, SignedPrograms, lint};
pub use crate::script::{
    Command, Expansion, LabelDefinition, LogicalLine, MagicProblem, Part, Position, Script,
    Separator, SettingReference, Span, Token,
};
