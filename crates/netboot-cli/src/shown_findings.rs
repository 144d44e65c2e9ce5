//! The findings of a check, for people and for programs.

use std::fmt::Write;

use foreign_text::ForeignText;
use netboot_publish::Finding;
use serde_json::{Value, json};

use crate::operator_words::for_operators;

/// The description of a finding's object.
pub(crate) const JSON: &str =
    "      finding  the kind of the damage, such as missing or wrong-digest
      path     the path of the file at the target, or null
      message  the finding as a sentence
      hint     what to do";

/// Adds findings to a text, a line each, and each remedy once, after its findings.
pub(crate) fn add_text(text: &mut String, findings: &[Finding]) {
    let mut hints: Vec<&str> = Vec::new();
    for finding in findings {
        if !hints.contains(&finding.hint()) {
            hints.push(finding.hint());
        }
    }
    for hint in hints {
        for finding in findings.iter().filter(|finding| finding.hint() == hint) {
            let _ = write!(text, "\n{}", ForeignText::new(finding.to_string()));
        }
        let _ = write!(text, "\n  what to do: {}", for_operators(hint));
    }
}

/// Findings as objects.
pub(crate) fn objects(findings: &[Finding]) -> Vec<Value> {
    findings.iter().map(object).collect()
}

fn object(finding: &Finding) -> Value {
    // Every finding has its kind beside its fields.
    let kind = serde_json::to_value(finding).map_or(Value::Null, |mut all| all["finding"].take());
    json!({
        "finding": kind,
        "path": finding.path(),
        "message": finding.to_string(),
        "hint": for_operators(finding.hint()),
    })
}
