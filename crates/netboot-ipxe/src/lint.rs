//! What is wrong with a script, before a machine in a rack finds out.
//!
//! iPXE says nothing of a script until it executes the line, and of much it says nothing at all: a
//! `boot` with no image selected succeeds, a comment swallows the `||` behind it, an unknown
//! default picks the first item. The linter reads a script by the [model](crate::script) that is
//! held against real iPXE, follows its jumps, and knows what the [target](crate::Target) has.
//!
//! ```
//! use netboot_ipxe::{FindingKind, Target, lint};
//!
//! let script = "#!ipxe\nkernel vmlinuz || goto fialed\nboot\n:failed\necho no kernel\n";
//! let findings = lint(script, &Target::default());
//! assert!(matches!(&findings[0].kind, FindingKind::UndefinedLabel { label } if label == "fialed"));
//! assert_eq!(findings[0].to_string(), "2:24: error: no label `fialed` is there to jump to");
//! ```

mod commands;
mod finding;
mod finding_kind;
mod flow;
mod graph;
mod images;
mod initrds;
mod labels;
mod loops;
mod menus;
mod message;
mod reader;
mod remedy;
mod settings;
mod states;
mod text;
mod urls;
mod values;
mod verification;
mod walk;
mod words;

pub use self::finding::{Finding, Severity};
pub use self::finding_kind::FindingKind;
use self::reader::Reader;
use crate::Target;
use crate::script::Script;

/// Finds what is wrong with a script on the machines of a target, in the order of the script.
///
/// It takes time in proportion to the script's length.
pub fn lint(source: impl AsRef<[u8]>, target: &Target) -> Vec<Finding> {
    lint_script(&Script::parse(source), target)
}

/// As [`lint`](fn@lint), for a script that is read already.
pub fn lint_script(script: &Script, target: &Target) -> Vec<Finding> {
    let mut reader = Reader::new(script, target);
    text::check(&mut reader);
    words::check(&mut reader);
    commands::check(&mut reader);
    urls::check(&mut reader);
    labels::check(&mut reader);
    settings::check(&mut reader);
    flow::check(&mut reader);
    menus::check(&mut reader);
    images::check(&mut reader);
    initrds::check(&mut reader);
    verification::check(&mut reader);
    loops::check(&mut reader);
    reader.into_findings()
}
