//! The reports of the linter.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::severity::Severity;
use crate::script::position::{Position, Span};

/// A mistake in a script, and its place.
///
/// It serializes to one JSON object, for example `{"line":2,"column":15,"start":21,"end":30,
/// "code":"undefined-label","label":"fialed"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LintFinding {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    /// The offset of the first byte of the place.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
    /// The kind of mistake.
    #[serde(flatten)]
    pub kind: LintFindingKind,
}

impl LintFinding {
    pub(crate) fn new(kind: LintFindingKind, span: Span, position: Position) -> Self {
        let Position { line, column } = position;
        Self { line, column, start: span.start, end: span.end, kind }
    }

    /// The severity.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }

    /// Tells the author of the script what to do, as a sentence without a period.
    pub fn hint(&self) -> String {
        self.kind.hint()
    }

    /// The bytes of the place.
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
