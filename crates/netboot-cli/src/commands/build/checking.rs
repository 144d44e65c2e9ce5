//! `--check`: the configurations are evaluated, and nothing is built.

use netboot_core::{Profile, Report, counted};
use netboot_nix::{PolicyFinding, Severity};
use serde_json::{Value, json};

use super::{Arguments, Work, described};
use crate::answer::{Answer, FAILED, FOUND};
use crate::failure::{Cancelled, failure_object};
use crate::operator_words::for_operators;
use crate::session::Session;

impl Arguments {
    /// Evaluates the configurations, and tells what the policy finds.
    pub(super) async fn check(&self, session: &Session, work: &Work) -> Result<Answer, Report> {
        let profiles = &work.choice.profiles;
        let shared: Vec<_> = profiles.iter().cloned().map(Into::into).collect();
        let results = work.builder.check(&shared, &session.context).await;
        if session.context.check().is_err() {
            return Err(Cancelled::report("the check is not complete"));
        }
        let (mut lines, mut objects, mut exit_code) = (Vec::new(), Vec::new(), 0);
        for (profile, result) in profiles.iter().zip(results) {
            let mut object = described(&work.choice, profile);
            match result {
                Ok(findings) => {
                    if findings.iter().any(is_denied) && exit_code == 0 {
                        exit_code = FOUND;
                    }
                    lines.push(format!("{}: {}", profile.name(), verdict(&findings)));
                    for finding in &findings {
                        lines.push(format!("  {finding}"));
                        lines.push(format!(
                            "    what to do: {}",
                            for_operators(&finding.problem.hint())
                        ));
                    }
                    object["findings"] = findings.iter().map(finding_object).collect();
                }
                Err(error) => {
                    let report = Report::from(error);
                    session.progress.line(&report.in_full());
                    object["error"] = failure_object(&report);
                    exit_code = FAILED;
                }
            }
            objects.push(object);
        }
        let answer = Answer::new(lines.join("\n"), json!({ "profiles": objects, "targets": [] }));
        Ok(answer.with_exit_code(exit_code))
    }
}

fn is_denied(finding: &PolicyFinding) -> bool {
    finding.severity == Severity::Deny
}

/// Tells in a few words whether a build with these findings would succeed.
fn verdict(findings: &[PolicyFinding]) -> String {
    let denied = findings.iter().filter(|finding| is_denied(finding)).count();
    match (denied, findings.len()) {
        (0, 0) => "ready to build".to_owned(),
        (0, found) => format!("ready to build, with {}", counted(found, "warning")),
        (denied, _) => format!("not ready to build, because of {}", counted(denied, "finding")),
    }
}

fn finding_object(finding: &PolicyFinding) -> Value {
    json!({
        "text": finding.to_string(),
        "hint": for_operators(&finding.problem.hint()),
        "denied": is_denied(finding),
    })
}
