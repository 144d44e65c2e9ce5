use std::fmt;

use serde::{Deserialize, Serialize};

use super::FindingKind;
use crate::script::{Position, Span};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "callers match on it, and there are two levels")]
pub enum Severity {
    /// It works on some day, or does something that nobody meant.
    Warning,
    /// It does not work, or not as it is written.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Something that is wrong with a script, and where.
///
/// As JSON it is one object, for example `{"line":2,"column":15,"start":21,"end":30,
/// "code":"undefined-label","label":"fialed"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1, in bytes.
    pub column: usize,
    /// The offset in the script of the first byte that it is about.
    pub start: usize,
    /// The offset behind the last.
    pub end: usize,
    /// What is wrong.
    #[serde(flatten)]
    pub kind: FindingKind,
}

impl Finding {
    pub(super) fn new(kind: FindingKind, span: Span, position: Position) -> Self {
        let Position { line, column } = position;
        Self { line, column, start: span.start, end: span.end, kind }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }

    /// What the author of the script does about it.
    pub fn remedy(&self) -> String {
        self.kind.remedy()
    }

    /// The bytes of the script that it is about.
    pub fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, kind, .. } = self;
        write!(f, "{line}:{column}: {}: {kind}", self.severity())
    }
}
