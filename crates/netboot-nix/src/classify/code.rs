//! Kinds of mistakes in Nix code.

use crate::classify::nixpkgs::problem_of_nixpkgs;
use crate::classify::text::{derivations, in_source, path_before, quoted_after};
use crate::error::Error;
use crate::error::problem::EvaluationProblem;
use crate::nix_output::Message;
use crate::redaction::without_credentials;

/// Parts of Nix's messages about a value with the wrong type.
const WRONG_TYPE: [&str; 9] = [
    "value is ",
    "expected a ",
    "cannot coerce ",
    "cannot add ",
    "cannot convert ",
    "cannot compare ",
    "attempt to call something which is not a function",
    "called without required argument",
    "called with unexpected argument",
];

/// The error for a message about Nix code.
pub(super) fn evaluation_error(attribute: &str, message: &Message) -> Error {
    let (problem, text) = of_an_override(&message.text)
        .or_else(|| problem_of_nixpkgs(&message.text))
        .unwrap_or_else(|| (evaluation_problem(&message.text), &message.text));
    Error::Evaluation {
        attribute: attribute.to_owned(),
        problem,
        message: text.into(),
        position: message.position.clone(),
    }
}

/// The problem with an override, if NixOS's message lists one among the definitions of an option.
/// `overrides.nix` names them.
fn of_an_override(message: &str) -> Option<(EvaluationProblem, &str)> {
    let (before, _) = message.split_once(" of Overrides'")?;
    let (_, setting) = before.rsplit_once("In `")?;
    let is_one_line = !setting.contains('\n');
    is_one_line.then(|| (EvaluationProblem::Override { setting: setting.to_owned() }, message))
}

/// The URL or path of something that has another hash than the code says.
fn changed_source(message: &str) -> Option<&str> {
    let texts = [
        "NAR hash mismatch in input",
        "hash mismatch in file downloaded from",
        "store path mismatch in (possibly filtered) path added from",
    ];
    texts.iter().find_map(|text| quoted_after(message, text))
}

/// The kind of mistake in Nix code that a message reports.
pub(super) fn evaluation_problem(message: &str) -> EvaluationProblem {
    let has = |text: &str| message.contains(text);
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    if has("during evaluation because the option 'allow-import-from-derivation' is disabled") {
        EvaluationProblem::ImportFromDerivation { derivation: owned(derivations(message).next()) }
    } else if let Some(derivation) = failed_derivation(message) {
        EvaluationProblem::ImportFailed { derivation: derivation.to_owned() }
    } else if let Some(source) = changed_source(message) {
        let source = without_credentials(in_source(source));
        EvaluationProblem::HashMismatch { source }
    } else if has("undefined variable '") {
        EvaluationProblem::UndefinedVariable {
            name: owned(quoted_after(message, "undefined variable")),
        }
    } else if has("stack overflow") {
        EvaluationProblem::StackOverflow
    } else if has("infinite recursion") {
        EvaluationProblem::InfiniteRecursion
    } else if has("syntax error") || has("unsupported attribute '") {
        EvaluationProblem::Syntax
    } else if has("evaluation aborted") {
        EvaluationProblem::Aborted
    } else if message.starts_with("attribute '") && message.contains("missing") {
        EvaluationProblem::MissingAttribute { name: owned(quoted_after(message, "attribute")) }
    } else if has("is forbidden in pure eval") {
        EvaluationProblem::Impure
    } else if let Some(path) = missing_file(message) {
        EvaluationProblem::MissingFile { path: in_source(path).to_owned() }
    } else if WRONG_TYPE.iter().any(|text| has(text)) {
        EvaluationProblem::WrongType
    } else {
        EvaluationProblem::Thrown
    }
}

fn failed_derivation(message: &str) -> Option<&str> {
    let failed = ["builder for '", "Cannot build '", "hash mismatch in fixed-output derivation '"];
    failed.iter().any(|text| message.contains(text)).then(|| derivations(message).next()).flatten()
}

fn missing_file(message: &str) -> Option<&str> {
    path_before(message, ": No such file or directory")
        .or_else(|| path_before(message, " does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_its_mistake() {
        let missing = |path: &str| EvaluationProblem::MissingFile { path: path.to_owned() };
        for (message, problem) in [
            ("getting status of '/s/0-source/a/b': No such file or directory", missing("a/b")),
            ("path '/s/0-source/b.nix' does not exist", missing("b.nix")),
            ("path '«git+file:///x?ref=a»/b.nix' does not exist", missing("b.nix")),
            ("attribute 'b' missing", EvaluationProblem::MissingAttribute { name: "b".to_owned() }),
            (
                "undefined variable 'x'",
                EvaluationProblem::UndefinedVariable { name: "x".to_owned() },
            ),
            ("value is a string while a set was expected", EvaluationProblem::WrongType),
            ("expected a set but found an integer: 1", EvaluationProblem::WrongType),
            ("set a key first", EvaluationProblem::Thrown),
        ] {
            assert_eq!(evaluation_problem(message), problem, "{message}");
        }
    }

    /// Messages of NixOS 24.11 and 26.11 about settings of the caller.
    #[test]
    fn an_override_that_does_not_fit_is_named() {
        let of = |message: &str| match of_an_override(message) {
            Some((EvaluationProblem::Override { setting }, _)) => Some(setting),
            _ => None,
        };
        for (message, setting) in [
            (
                "The option `netwrking' does not exist. Definition values:\n\
                 - In `settings of Overrides':\n    { hostName = \"x\"; }",
                Some("settings"),
            ),
            (
                "A definition for option `networking.firewall.enable' is not of type `boolean'. \
                 Definition values:\n- In `settings 2 of Overrides': \"yes\"",
                Some("settings 2"),
            ),
            (
                "The option `networking.hostName' has conflicting definition values:\n\
                 - In `/nix/store/0-source/flake.nix': \"a\"\n\
                 - In `module rack-7.nix of Overrides': \"b\"\n\
                 Use `lib.mkForce value` or `lib.mkDefault value` to change the priority.",
                Some("module rack-7.nix"),
            ),
            ("- In `flake.nix': \"x\"\n of Overrides'", None),
            ("the settings of Overrides' author", None),
        ] {
            assert_eq!(of(message).as_deref(), setting, "{message}");
        }
    }
}
