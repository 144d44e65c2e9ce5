//! Phrases that error messages share.

use foreign_text::ForeignText;

use crate::policy::finding::PolicyFinding;

pub(super) fn colon(message: Option<&ForeignText>) -> String {
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

pub(super) fn at(position: Option<&str>) -> String {
    position.map(|position| format!(" (at {position})")).unwrap_or_default()
}

pub(super) fn ending(last_lines: &[ForeignText]) -> String {
    if last_lines.is_empty() {
        return String::new();
    }
    format!("; its log ends with:{}", lines(last_lines))
}

/// Each line on a line of its own, behind the margin of foreign text.
pub(super) fn lines(last_lines: &[ForeignText]) -> String {
    let lines = last_lines.iter().map(|line| format!("{}{line}", ForeignText::LINE_BREAK));
    lines.collect::<Vec<_>>().concat()
}

pub(super) fn derivation_or(derivation: Option<&str>, otherwise: &str) -> String {
    derivation.map_or_else(|| otherwise.to_owned(), |derivation| format!("`{derivation}`"))
}

pub(super) fn joined(findings: &[PolicyFinding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
