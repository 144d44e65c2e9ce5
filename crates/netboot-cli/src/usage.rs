//! Help, versions, and mistakes on the command line.

use std::error::Error as StdError;
use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use netboot_core::{BackendError, InvalidValue, Report};
use serde_json::{Value, json};

use crate::answer::FAILED;
use crate::error::Error;
use crate::operator_words::for_operators;
use crate::standard_output;

/// Returns true if `--json` stands on a command line that could not be read as a whole.
pub(crate) fn asks_for_json(given: &[OsString]) -> bool {
    given.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// Shows help or a version on standard output, or a mistake on standard error. With `as_json`, an
/// object is on standard output in each case. Returns the exit code.
pub(crate) fn show(error: &clap::Error, as_json: bool) -> u8 {
    let is_mistake = error.use_stderr();
    if is_mistake {
        // If standard error is closed, nobody can read the mistake.
        print(error);
    }
    let written = match (as_json, is_mistake) {
        (true, _) => standard_output::write(&format!("{:#}\n", object(error))),
        (false, true) => Ok(()),
        (false, false) => standard_output::written(error.print()),
    };
    match written {
        Ok(()) => u8::try_from(error.exit_code()).unwrap_or(FAILED),
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "{problem}");
            FAILED
        }
    }
}

/// Shows clap's text, and the rule for a value that was refused, which clap does not know.
fn print(error: &clap::Error) {
    let _ = error.print();
    if let Some(rule) = rule(error) {
        let _ = writeln!(std::io::stderr(), "  what to do: {rule}");
    }
}

/// The hint of the error of a value's own parser.
fn rule(error: &clap::Error) -> Option<String> {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    causes.into_iter().find_map(hint_of).map(|hint| for_operators(&hint))
}

fn hint_of(error: &(dyn StdError + 'static)) -> Option<String> {
    fn of<E: BackendError>(error: &(dyn StdError + 'static)) -> Option<String> {
        error.downcast_ref::<E>().and_then(BackendError::hint)
    }
    of::<InvalidValue>(error)
        .or_else(|| of::<netboot_core::Error>(error))
        .or_else(|| of::<netboot_ipxe::Error>(error))
        .or_else(|| of::<netboot_publish::Error>(error))
        .or_else(|| of::<Error>(error))
        .or_else(|| error.downcast_ref::<Report>()?.hint().map(str::to_owned))
}

fn object(error: &clap::Error) -> Value {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp => json!({ "help": text }),
        ErrorKind::DisplayVersion => json!({ "version": env!("CARGO_PKG_VERSION") }),
        _ => {
            let message = message(&text);
            let hint = rule(error).unwrap_or_else(|| hint(&text));
            json!({ "error": { "message": message, "causes": [], "hint": hint } })
        }
    }
}

/// The first paragraph of clap's text, on one line.
fn message(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or(text);
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let line = words.join(" ");
    line.strip_prefix("error: ").map_or(line.clone(), str::to_owned)
}

/// The tip in clap's text, or else how the command is used.
fn hint(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    if let Some(tip) = lines.clone().find_map(|line| line.strip_prefix("tip: ")) {
        return tip.to_owned();
    }
    match lines.find_map(|line| line.strip_prefix("Usage: ")) {
        Some(usage) => format!("write it as `{usage}`"),
        None => "read `netboot --help`".to_owned(),
    }
}
