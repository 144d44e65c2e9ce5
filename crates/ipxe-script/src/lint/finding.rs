//! What the linter reports.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::severity::Severity;
use crate::script::position::{Position, Span};

/// Something that is wrong with a script, and where.
///
/// As JSON it is one object, for example `{"line":2,"column":15,"start":21,"end":30,
/// "code":"undefined-label","label":"fialed"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LintFinding {
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
    pub kind: LintFindingKind,
}

impl LintFinding {
    pub(crate) fn new(kind: LintFindingKind, span: Span, position: Position) -> Self {
        let Position { line, column } = position;
        Self { line, column, start: span.start, end: span.end, kind }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }

    /// What the author of the script does about it.
    pub fn hint(&self) -> String {
        self.kind.hint()
    }

    /// The bytes of the script that it is about.
    pub fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, kind, .. } = self;
        write!(f, "{line}:{column}: {}: {kind}", self.severity())
    }
}
