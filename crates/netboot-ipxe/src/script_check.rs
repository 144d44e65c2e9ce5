//! What every rendered script is held to, whoever wrote its template.

use std::fmt;

use netboot_core::layout::GENERATED_MARK;

use crate::lint::{Finding, FindingKind, Severity};
use crate::{Target, lint};

pub(crate) use crate::script::ARGUMENT_LIMIT;

/// Why the text that a template made is no script for its target, or none of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScriptProblem {
    /// No line is the comment [`GENERATED_MARK`], so a publisher would not know it for ours.
    NoMark,
    /// The last line does not end, or is continued. Publishers add lines to a pointer.
    OpenEnd,
    /// What the [linter](fn@crate::lint) finds: the first of its errors, or a carriage return.
    Finding(Box<Finding>),
}

impl ScriptProblem {
    /// What the author of the template does about it.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::NoMark => {
                "print the variable `mark` at the begin of a line: it is a comment".to_owned()
            }
            Self::OpenEnd => {
                "end the template with a line feed, and without a `\\` before it".to_owned()
            }
            Self::Finding(finding) => format!("in the script, {}", finding.remedy()),
        }
    }
}

impl fmt::Display for ScriptProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMark => write!(f, "no line of it begins with `{GENERATED_MARK}`"),
            Self::OpenEnd => f.write_str("its last line has no end, or is continued"),
            Self::Finding(finding) => {
                write!(f, "at its line {}, {}", finding.line, finding.kind)
            }
        }
    }
}

/// Finds the first problem that a script has on a target.
pub(crate) fn check(script: &str, target: &Target) -> Result<(), ScriptProblem> {
    let fails = |finding: &Finding| {
        finding.severity() == Severity::Error || finding.kind == FindingKind::CarriageReturn
    };
    let mut findings = lint(script, target).into_iter().filter(fails);
    let first = findings.next();
    let is_magic = |finding: &Finding| matches!(finding.kind, FindingKind::Magic { .. });
    if first.as_ref().is_none_or(|finding| !is_magic(finding)) {
        if !script.ends_with('\n') || script.ends_with("\\\n") {
            return Err(ScriptProblem::OpenEnd);
        }
        if !has_mark(script) {
            return Err(ScriptProblem::NoMark);
        }
    }
    first.map_or(Ok(()), |finding| Err(ScriptProblem::Finding(Box::new(finding))))
}

/// Whether a script is one that this library made.
pub(crate) fn has_mark(script: &str) -> bool {
    script.lines().any(|line| line.starts_with(GENERATED_MARK))
}
