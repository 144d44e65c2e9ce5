//! What is wrong with a script, before a machine in a rack finds out.
//!
//! iPXE says nothing of a script until it executes the line, and of much it says nothing at all: a
//! `boot` with no image selected succeeds, a comment swallows the `||` behind it, an unknown
//! default picks the first item. The linter reads a script by the [model](crate::Script) that is
//! held against real iPXE, follows its jumps, and knows what the [build](crate::IpxeBuild) has.
//!
//! ```
//! use ipxe_script::{IpxeBuild, LintFindingKind, lint};
//!
//! let script = "#!ipxe\nkernel vmlinuz || goto fialed\nboot\n:failed\necho no kernel\n";
//! let findings = lint(script, &IpxeBuild::default());
//! assert!(matches!(&findings[0].kind, LintFindingKind::UndefinedLabel { label } if label == "fialed"));
//! assert_eq!(findings[0].to_string(), "2:24: error: no label `fialed` is there to jump to");
//! ```

mod commands;
mod finding;
mod finding_kind;
mod flow;
mod graph;
mod hint;
mod images;
mod initrds;
mod labels;
mod loops;
mod menus;
mod message;
mod reader;
mod settings;
mod severity;
mod states;
mod step;
mod text;
mod urls;
mod values;
mod verification;
mod walk;
mod words;

pub use self::finding::LintFinding;
pub use self::finding_kind::LintFindingKind;
pub use self::severity::Severity;
use crate::build::IpxeBuild;
use crate::lint::reader::Reader;
use crate::script::Script;

/// Finds what is wrong with a script on the machines of a build, in the order of the script.
///
/// It takes time in proportion to the script's length. A [`Linter`] takes more into account.
pub fn lint(source: impl AsRef<[u8]>, build: &IpxeBuild) -> Vec<LintFinding> {
    Linter::new(build).lint(&Script::parse(source))
}

/// Finds what is wrong with scripts, given what is known of the machines that run them.
///
/// ```
/// use ipxe_script::{IpxeBuild, LintFindingKind, Linter, Script};
///
/// let script = Script::parse("#!ipxe\necho The rack is ${site-rack}.\n");
/// let build = IpxeBuild::default();
/// let findings = Linter::new(&build).lint(&script);
/// assert!(matches!(&findings[0].kind, LintFindingKind::NeverSet { setting } if setting == "site-rack"));
///
/// let linter = Linter::new(&build).with_known_settings("site-");
/// assert!(linter.lint(&script).is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct Linter {
    build: IpxeBuild,
    known_settings: Vec<Box<[u8]>>,
}

impl Linter {
    /// Creates a linter for scripts that run on the machines of a build.
    pub fn new(build: &IpxeBuild) -> Self {
        Self { build: build.clone(), known_settings: Vec::new() }
    }

    /// Treats all settings whose names start with `prefix` as set: a script that ran before sets
    /// them.
    #[must_use]
    pub fn with_known_settings(mut self, prefix: impl AsRef<[u8]>) -> Self {
        self.known_settings.push(prefix.as_ref().into());
        self
    }

    /// Finds what is wrong with a script, in the order of the script, in time in proportion to its
    /// length.
    pub fn lint(&self, script: &Script) -> Vec<LintFinding> {
        let mut reader = Reader::new(script, &self.build);
        text::check(&mut reader);
        words::check(&mut reader);
        commands::check(&mut reader);
        urls::check(&mut reader);
        labels::check(&mut reader);
        settings::check(&mut reader, &self.known_settings);
        flow::check(&mut reader);
        menus::check(&mut reader);
        images::check(&mut reader);
        initrds::check(&mut reader);
        verification::check(&mut reader);
        loops::check(&mut reader);
        reader.into_findings()
    }
}
