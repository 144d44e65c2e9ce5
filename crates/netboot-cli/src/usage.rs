//! Help, versions, and mistakes on the command line.

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use serde_json::{Value, json};

use crate::answer::FAILED;
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
        let _ = error.print();
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

fn object(error: &clap::Error) -> Value {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp => json!({ "help": text }),
        ErrorKind::DisplayVersion => json!({ "version": env!("CARGO_PKG_VERSION") }),
        _ => {
            let message = message(&text);
            json!({ "error": { "message": message, "causes": [], "hint": hint(&text) } })
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
