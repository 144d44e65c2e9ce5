//! Problems with `flake.nix`, `flake.lock` and the inputs of a flake.

use crate::error::Error;
use crate::error::flake_problem::FlakeProblem;
use crate::flake_reference::FlakeReference;
use crate::locked_inputs::LockedInput;
use crate::nix_output::NixOutput;

/// The words of Nix about a lock file that is not whole.
const UNREADABLE: [&str; 5] = [
    "[json.exception.",
    "Could not parse '",
    "lock file references missing node",
    "missing in lock file",
    "lock file contains cycle",
];

/// The words of Nix about something in `flake.nix` or `flake.lock` that it does not know.
const UNSUPPORTED: [&str; 5] = [
    "unexpected flake input attribute '",
    "flake 'self' attribute '",
    "has an unsupported attribute '",
    "input attribute '",
    // Nix 2.8 does not know inputs at a relative path.
    "lockfile contains mutable lock '",
];

/// The words of Nix about an input of an unknown type. Since 2.26, Nix crashes over one.
const UNKNOWN_TYPE: [&str; 4] = [
    "cannot show unsupported input '",
    "cannot fetch unsupported input '",
    "' is unsupported",
    "nix::fetchers::Input::isRelative() const",
];

/// The words of Nix about an input with other content.
const CHANGED: [&str; 4] = [
    "NAR hash mismatch in input",
    "mismatch in field '",
    "attribute mismatch in input",
    "Cannot find Git revision",
];

/// The error for an input that is not what the lock file says.
pub(super) fn input_changed(
    flake: &FlakeReference,
    inputs: &[LockedInput],
    nix_output: &NixOutput,
) -> Option<Error> {
    let message = nix_output.find(&CHANGED)?;
    let input = inputs.iter().find(|input| input.is_named_in(message))?.path.clone();
    Some(unusable(flake, FlakeProblem::InputChanged { input }, message))
}

/// The error for a flake whose files Nix cannot use. Only the lock of the flake reads them.
pub(super) fn unusable_files(flake: &FlakeReference, nix_output: &NixOutput) -> Option<Error> {
    if let Some(message) = nix_output.find(&["has unsupported version"])
        && message.contains("lock file")
    {
        return Some(unusable(flake, FlakeProblem::LockVersion, message));
    }
    if let Some(message) = nix_output.find(&UNREADABLE) {
        // A mark such as `<<<<<<< HEAD` begins with a character that begins nothing in JSON.
        let marks = ["<'", "='", ">'"];
        let is_mark = message.contains("last read") && marks.iter().any(|it| message.contains(it));
        let problem =
            if is_mark { FlakeProblem::LockConflict } else { FlakeProblem::LockUnreadable };
        return Some(unusable(flake, problem, message));
    }
    // The reference of the flake itself is no input in its files.
    let of_type = |message: &&str| {
        UNKNOWN_TYPE.iter().any(|text| message.contains(text))
            && !message.contains(&format!("'{}'", flake.as_str()))
    };
    let of_input = nix_output.texts().chain(nix_output.crash.as_deref()).find(of_type);
    if let Some(message) = of_input {
        return Some(unusable(flake, FlakeProblem::InputType, message));
    }
    let message = nix_output.find(&UNSUPPORTED).filter(|message| is_unsupported(message))?;
    Some(unusable(flake, FlakeProblem::Unsupported, message))
}

fn is_unsupported(message: &str) -> bool {
    ["unexpected", "unsupported", "not supported", "mutable lock"]
        .iter()
        .any(|text| message.contains(text))
}

fn unusable(flake: &FlakeReference, problem: FlakeProblem, message: &str) -> Error {
    Error::FlakeUnusable { reference: flake.to_string(), problem, message: message.into() }
}
