//! Causes of a failed evaluation.

use std::process::ExitStatus;

use crate::classify::any_phase::Failure;
use crate::classify::code::evaluation_error;
use crate::classify::flake_files::input_changed;
use crate::classify::source::source_problem;
use crate::error::Error;
use crate::error::subject::Subject;
use crate::flake_reference::FlakeReference;
use crate::locked_inputs::LockedInput;
use crate::nix_output::NixOutput;

/// The error for a failed evaluation of `attribute`, or `None` if the messages are unknown. The
/// locked URL and the locked inputs of the flake are those that Nix got.
pub(crate) fn evaluation(
    flake: &FlakeReference,
    (url, inputs): (Option<&str>, &[LockedInput]),
    attribute: &str,
    nix_output: &NixOutput,
    status: ExitStatus,
) -> Option<Error> {
    let subject = Subject::Attribute(attribute.to_owned());
    let failure = Failure { subject: &subject, nix_output, status, build_log: None };
    let known = failure
        .feature_disabled()
        .or_else(|| failure.program_missing())
        .or_else(|| input_changed(flake, inputs, nix_output))
        .or_else(|| source_problem(flake, url, nix_output))
        .or_else(|| missing_attribute(attribute, nix_output))
        .or_else(|| closure_boot_refused(attribute, nix_output))
        .or_else(|| failure.unsigned())
        .or_else(|| failure.network())
        .or_else(|| failure.git())
        .or_else(|| failure.disk_full(Vec::new()))
        .or_else(|| failure.daemon_unreachable())
        .or_else(|| failure.permission_denied());
    if known.is_some() {
        return known;
    }
    // The last message ended the evaluation. After a signal, Nix prints no message about it.
    let Some(message) =
        nix_output.last().filter(|message| message.text != "interrupted by the user")
    else {
        return failure.interrupted();
    };
    Some(evaluation_error(attribute, message))
}

/// The error for a flake without configurations, and for a package of an override that is not in
/// `pkgs`. `overrides.nix` throws the latter.
fn missing_attribute(attribute: &str, nix_output: &NixOutput) -> Option<Error> {
    let prefix = "netboot: this attribute is not in pkgs: ";
    let package = nix_output.find(&[prefix]).and_then(|message| message.split_once(prefix));
    let attribute = match package {
        Some((_, name)) => format!("pkgs.{}", name.lines().next().unwrap_or(name).trim()),
        None => nix_output.find(&["does not provide attribute"]).map(|_| attribute.to_owned())?,
    };
    Some(Error::AttributeMissing { attribute, available: Vec::new() })
}

/// The error for a configuration that fails an assertion of `closure_boot/module.nix`.
fn closure_boot_refused(attribute: &str, nix_output: &NixOutput) -> Option<Error> {
    let prefix = "netboot: closure boot needs ";
    let (_, needed) = nix_output.find(&[prefix])?.split_once(prefix)?;
    // The next assertion that failed begins another line.
    let needed = needed.split("\n- ").next().unwrap_or(needed);
    let needed: Vec<&str> = needed.split_whitespace().collect();
    Some(Error::ClosureBootRefused {
        attribute: attribute.to_owned(),
        needed: needed.join(" ").into(),
    })
}
