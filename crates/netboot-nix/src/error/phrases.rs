//! Phrases that error messages share.

use crate::policy::finding::PolicyFinding;

pub(super) fn colon(message: Option<&str>) -> String {
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

pub(super) fn at(position: Option<&str>) -> String {
    position.map(|position| format!(" (at {position})")).unwrap_or_default()
}

pub(super) fn ending(last_lines: &[String]) -> String {
    if last_lines.is_empty() {
        return String::new();
    }
    format!("; its log ends with:\n{}", last_lines.join("\n"))
}

pub(super) fn derivation_or(derivation: Option<&str>, otherwise: &str) -> String {
    derivation.map_or_else(|| otherwise.to_owned(), |derivation| format!("`{derivation}`"))
}

pub(super) fn joined(findings: &[PolicyFinding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
