//! Checks every rendered script.

use std::fmt;

use ipxe_script::{IpxeBuild, LintFinding, LintFindingKind, Linter, Script, Severity};
use netboot_core::layout::GENERATED_MARK;

/// The reason why the output of a template is not a valid script.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScriptProblem {
    /// No line is the comment [`GENERATED_MARK`], so a publisher would not recognize the script.
    NoMark,
    /// The last line has no line feed, or continues. Publishers add lines to a pointer.
    OpenEnd,
    /// The first error of the [linter](lint), or a carriage return inside a line.
    Finding(Box<LintFinding>),
}

impl ScriptProblem {
    /// Tells the author of the template what to do.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoMark => {
                "print the variable `mark` at the start of a line; it is a comment".to_owned()
            }
            Self::OpenEnd => {
                "end the template with a line feed that does not follow a `\\`".to_owned()
            }
            Self::Finding(finding) => format!("in the script, {}", finding.hint()),
        }
    }
}

impl fmt::Display for ScriptProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMark => write!(f, "no line starts with `{GENERATED_MARK}`"),
            Self::OpenEnd => f.write_str("the last line has no line feed, or continues"),
            Self::Finding(finding) => {
                write!(f, "in line {}, {}", finding.line, finding.kind)
            }
        }
    }
}

/// Finds the first problem of a script.
pub(crate) fn check(script: &str, linter: &Linter) -> Result<(), ScriptProblem> {
    let fails = |finding: &LintFinding| {
        finding.severity() == Severity::Error || finding.kind == LintFindingKind::CarriageReturn
    };
    let findings = lint_set(&[script], linter).into_iter().flatten();
    let mut findings = findings.filter(fails);
    let first = findings.next();
    let is_magic = |finding: &LintFinding| matches!(finding.kind, LintFindingKind::Magic { .. });
    if first.as_ref().is_none_or(|finding| !is_magic(finding)) {
        if !script.ends_with('\n') || script.ends_with("\\\n") || script.ends_with("\\\r\n") {
            return Err(ScriptProblem::OpenEnd);
        }
        if !has_mark(script) {
            return Err(ScriptProblem::NoMark);
        }
    }
    first.map_or(Ok(()), |finding| Err(ScriptProblem::Finding(Box::new(finding))))
}

/// Finds the mistakes of a script for an iPXE build, in the order of the script.
///
/// It lints as [`ipxe_script::lint`](fn@ipxe_script::lint) does. In a script that has the comment
/// [`GENERATED_MARK`], settings with names that start with `netboot-` also count as set, because
/// the scripts of this library pass such settings to each other.
pub fn lint(source: impl AsRef<[u8]>, build: &IpxeBuild) -> Vec<LintFinding> {
    lint_set(&[source], &Linter::new(build)).into_iter().flatten().collect()
}

/// Finds the mistakes of scripts that `chain` each other, as [`lint`] does for one. `linter` knows
/// the machines that run them. A setting of one script counts as set in all of them. The result has
/// the findings of each script, in the order of `sources`.
pub fn lint_set<S: AsRef<[u8]>>(sources: &[S], linter: &Linter) -> Vec<Vec<LintFinding>> {
    let scripts: Vec<Script> = sources.iter().map(Script::parse).collect();
    let linter = scripts.iter().fold(linter.clone(), Linter::with_settings_of);
    let findings = scripts.iter().map(|script| {
        let is_ours = has_mark(&String::from_utf8_lossy(script.source()));
        let linter = linter.clone();
        let linter = if is_ours { linter.with_known_settings("netboot-") } else { linter };
        linter.lint(script)
    });
    findings.collect()
}

/// Returns true if this library made the script.
pub(crate) fn has_mark(script: &str) -> bool {
    script.lines().any(|line| line.starts_with(GENERATED_MARK))
}
