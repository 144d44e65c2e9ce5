//! Finds mistakes in a script before a machine runs it.
//!
//! iPXE reports a mistake only when it executes the line, and many mistakes never: `boot` succeeds
//! without a selected image, a comment hides the `||` in it, and an unknown default selects the
//! first item. The linter reads a [`Script`](crate::Script) as iPXE does, follows its jumps, and
//! knows what an [`IpxeBuild`](crate::IpxeBuild) has.
//!
//! ```
//! use ipxe_script::{IpxeBuild, LintFindingKind, lint};
//!
//! let script = "#!ipxe\nkernel vmlinuz || goto fialed\nboot\n:failed\necho no kernel\n";
//! let findings = lint(script, &IpxeBuild::default());
//! let kind = LintFindingKind::UndefinedLabel { label: "fialed".to_owned() };
//! assert_eq!(findings[0].kind, kind);
//! assert_eq!(findings[0].to_string(), "2:24: error: there is no label `fialed` to jump to");
//! ```

mod closure;
mod commands;
mod exits;
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
mod secure_boot;
mod settings;
mod severity;
mod signed_programs;
mod states;
mod step;
mod text;
mod urls;
mod values;
mod verification;
mod walk;
mod words;

use std::collections::HashSet;

pub use self::finding::LintFinding;
pub use self::finding_kind::LintFindingKind;
pub use self::severity::Severity;
pub use self::signed_programs::SignedPrograms;
use crate::build::IpxeBuild;
use crate::lint::reader::Reader;
use crate::script::Script;

/// Finds the mistakes of a script for a build, in the order of the script.
///
/// The time grows linearly with the length of the script. A [`Linter`] can be told more about the
/// machines.
pub fn lint(source: impl AsRef<[u8]>, build: &IpxeBuild) -> Vec<LintFinding> {
    Linter::new(build).lint(&Script::parse(source))
}

/// Finds the mistakes of scripts, given facts about the machines that run them.
///
/// ```
/// use ipxe_script::{IpxeBuild, LintFindingKind, Linter, Script};
///
/// let script = Script::parse("#!ipxe\necho The rack is ${site-rack}.\n");
/// let build = IpxeBuild::default();
/// let findings = Linter::new(&build).lint(&script);
/// assert_eq!(findings[0].kind, LintFindingKind::NeverSet { setting: "site-rack".to_owned() });
///
/// let linter = Linter::new(&build).with_known_settings("site-");
/// assert!(linter.lint(&script).is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct Linter {
    build: IpxeBuild,
    known_settings: Vec<Box<[u8]>>,
    shared_settings: HashSet<Box<[u8]>>,
    signed_programs: Option<SignedPrograms>,
}

impl Linter {
    /// Creates a linter for scripts that a build runs.
    pub fn new(build: &IpxeBuild) -> Self {
        Self {
            build: build.clone(),
            known_settings: Vec::new(),
            shared_settings: HashSet::new(),
            signed_programs: None,
        }
    }

    /// Treats all settings with names that start with `prefix` as set, because a script that ran
    /// before has set them.
    #[must_use]
    pub fn with_known_settings(mut self, prefix: impl AsRef<[u8]>) -> Self {
        self.known_settings.push(prefix.as_ref().into());
        self
    }

    /// Treats all settings that `other` sets as set. Scripts that `chain` each other share their
    /// settings.
    #[must_use]
    pub fn with_settings_of(mut self, other: &Script) -> Self {
        self.shared_settings.extend(settings::set_by(other));
        self
    }

    /// Treats the machines as having Secure Boot on, so that their firmware starts only these
    /// programs. Then a command that starts another one is a finding, and so are arguments and
    /// initrds for a UKI. A URL with a setting in it may be that of a signed program.
    #[must_use]
    pub fn with_secure_boot(mut self, signed: SignedPrograms) -> Self {
        self.signed_programs = Some(signed);
        self
    }

    /// Finds the mistakes of a script, in the order of the script. The time grows linearly with the
    /// length of the script.
    pub fn lint(&self, script: &Script) -> Vec<LintFinding> {
        let mut reader = Reader::new(script, &self.build);
        text::check(&mut reader);
        words::check(&mut reader);
        commands::check(&mut reader);
        urls::check(&mut reader);
        labels::check(&mut reader);
        settings::check(&mut reader, &self.known_settings, &self.shared_settings);
        flow::check(&mut reader);
        exits::check(&mut reader);
        menus::check(&mut reader);
        images::check(&mut reader);
        initrds::check(&mut reader);
        closure::check(&mut reader);
        verification::check(&mut reader);
        loops::check(&mut reader);
        if let Some(signed) = &self.signed_programs {
            secure_boot::check(&mut reader, signed);
        }
        reader.into_findings()
    }
}
