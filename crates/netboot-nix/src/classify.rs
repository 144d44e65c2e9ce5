//! What an error message of Nix means.
//!
//! Nix has no error codes: the texts below are those of 2.8, 2.26 and 2.34. They are looked at
//! only within their phase, and what is not known keeps its text.

use std::path::PathBuf;

use crate::Error;

/// Reads the messages of a failed lock or evaluation of `attribute`.
pub(crate) fn evaluation(attribute: &str, messages: &[String]) -> Option<Error> {
    let message = messages.last()?.clone();
    let has = |text: &str| messages.iter().any(|message| message.contains(text));
    Some(if has("experimental Nix feature") {
        Error::FlakesDisabled
    } else if has("requires lock file changes") {
        Error::LockFileOutdated { message }
    } else if is_network(messages) {
        Error::Network { message }
    } else if is_disk_full(messages) {
        Error::DiskFull { message }
    } else if has("cannot connect to socket at") {
        Error::DaemonUnreachable { message }
    } else if let Some(package) = messages.iter().find_map(|message| missing_package(message)) {
        Error::AttributeMissing { attribute: format!("pkgs.{package}"), available: Vec::new() }
    } else if has("does not provide attribute") {
        Error::AttributeMissing { attribute: attribute.to_owned(), available: Vec::new() }
    } else {
        Error::Evaluation { attribute: attribute.to_owned(), message }
    })
}

/// The package that an override names and `pkgs` does not have, as `overrides.nix` throws it.
fn missing_package(message: &str) -> Option<&str> {
    let (_, package) = message.split_once("netboot: this attribute is not in pkgs: ")?;
    Some(package.lines().next().unwrap_or(package).trim())
}

/// Whether a message tells of Nix code that is wrong, and not of code that is not there.
pub(crate) fn is_error_in_code(message: &str) -> bool {
    let texts = [
        "syntax error",
        "undefined variable",
        "infinite recursion",
        "stack overflow",
        "unsupported attribute",
        "evaluation aborted",
    ];
    texts.iter().any(|text| message.contains(text))
}

/// Reads the messages of a failed realisation, whose profile's log is `build_log`. `last_lines`
/// gives the end of a derivation's own log.
pub(crate) fn realisation(
    messages: &[String],
    build_log: PathBuf,
    last_lines: impl Fn(&str) -> Vec<String>,
) -> Option<Error> {
    let messages: Vec<String> =
        messages.iter().map(|message| own_words(message).to_owned()).collect();
    let messages = messages.as_slice();
    let first = |texts: &[&str]| {
        let is_it = |message: &&String| texts.iter().any(|text| message.contains(text));
        messages.iter().find(is_it).cloned()
    };
    let no_builder = [
        "is required to build",
        "platform mismatch",
        "missing system features",
        "nable to start any build",
        "local builds are disabled",
    ];
    if let Some(message) = first(&no_builder) {
        return Some(Error::NoBuilder { message });
    }
    if is_disk_full(messages) {
        return Some(Error::DiskFull { message: messages.last()?.clone() });
    }
    if let Some(message) = first(&["hash mismatch in fixed-output derivation"]) {
        return Some(Error::HashMismatch { message, build_log });
    }
    if let Some(message) = first(&["timed out after"]) {
        return Some(Error::TimedOut { message, build_log });
    }
    let is_dependent = |message: &&String| !message.contains("dependenc");
    if let Some(message) = first(&["builder for '", "Cannot build '", "failed to produce output"])
        && let Some(derivation) = messages
            .iter()
            .filter(is_dependent)
            .chain([&message])
            .find_map(|message| derivations(message).next())
    {
        let last_lines = last_lines(derivation);
        return Some(Error::BuildFailed {
            derivation: derivation.to_owned(),
            last_lines,
            build_log,
        });
    }
    if is_network(messages) {
        return Some(Error::Network { message: messages.last()?.clone() });
    }
    first(&["cannot connect to socket at"]).map(|message| Error::DaemonUnreachable { message })
}

/// A message without the end of a builder's log, which Nix quotes when it builds by its daemon or on
/// another machine: a test there that "timed out after" a while met no time limit of Nix's.
fn own_words(message: &str) -> &str {
    let begins_quotation = |line: &str| {
        let line = line.trim_start();
        (line.starts_with("last ") || line.starts_with("Last ")) && line.contains(" log line")
    };
    let begin = message
        .match_indices('\n')
        .map(|(end, _)| end)
        .find(|end| message[end + 1..].lines().next().is_some_and(begins_quotation));
    &message[..begin.unwrap_or(message.len())]
}

/// The derivations that a message names between single quotes, with or without an output
/// (`x.drv!out`, `x.drv^out`).
pub(crate) fn derivations(message: &str) -> impl Iterator<Item = &str> {
    let quoted = own_words(message).split('\'').skip(1).step_by(2);
    let derivation = |text: &str| text.find(['!', '^']).unwrap_or(text.len());
    quoted.map(move |text| &text[..derivation(text)]).filter(|text| {
        std::path::Path::new(text).extension().is_some_and(|extension| extension == "drv")
    })
}

fn is_network(messages: &[String]) -> bool {
    let texts = [
        "unable to download '",
        "Failed to open archive",
        "Failed to fetch git repository",
        "Could not resolve host",
        "terminal prompts disabled",
        "could not read Username",
        "Authentication failed",
        "Permission denied (",
        "Host key verification failed",
    ];
    messages.iter().any(|message| texts.iter().any(|text| message.contains(text)))
}

fn is_disk_full(messages: &[String]) -> bool {
    // The last two are SQLite's ways of saying it, in Nix's database.
    let texts = [
        "No space left on device",
        "lack of free disk space",
        "database or disk is full",
        "disk I/O error",
    ];
    messages.iter().any(|message| texts.iter().any(|text| message.contains(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(messages: &[&str]) -> Vec<String> {
        messages.iter().map(|message| (*message).to_owned()).collect()
    }

    #[test]
    fn the_derivation_that_failed_is_named_and_not_the_one_that_needed_it() {
        for messages in [
            texts(&[
                "1 dependencies of derivation '/nix/store/b-initrd.drv' failed to build",
                "builder for '/nix/store/a-hello.drv' failed with exit code 3;\nlast 2 log lines",
            ]),
            texts(&[
                "Cannot build '/nix/store/a-hello.drv'.\nReason: builder failed with exit code 3.",
                "Cannot build '/nix/store/b-initrd.drv'.\nReason: 1 dependency failed.",
            ]),
        ] {
            let error = realisation(&messages, PathBuf::new(), |_| Vec::new()).unwrap();
            let is_hello = matches!(&error, Error::BuildFailed { derivation, .. } if derivation == "/nix/store/a-hello.drv");
            assert!(is_hello, "{error:?}");
        }
    }

    #[test]
    fn what_a_builder_printed_is_left_out_of_a_message() {
        let own = "builder for '/s/a-x.drv' failed with exit code 1;";
        for quotation in ["last 2 log lines:", "  Last 25 log lines:", "last 1 log line:"] {
            let message = format!("{own}\n{quotation}\n> timed out after 3 seconds '/s/b-y.drv'");
            assert_eq!(own_words(&message), own);
            assert_eq!(derivations(&message).collect::<Vec<_>>(), ["/s/a-x.drv"]);
        }
        for whole in ["", "\n", "one\ntwo", "the last 2 log lines:"] {
            assert_eq!(own_words(whole), whole);
        }
    }

    #[test]
    fn derivations_are_found_with_and_without_their_output() {
        let message = "building of '/s/a-x.drv!out' timed out, as '/s/b-y.drv^dev' and '/s/c-z.drv'; not '/s/d'";
        let found: Vec<_> = derivations(message).collect();
        assert_eq!(found, ["/s/a-x.drv", "/s/b-y.drv", "/s/c-z.drv"]);
    }

    #[test]
    fn what_is_not_known_stays_unknown() {
        assert!(realisation(&texts(&["the moon is full"]), PathBuf::new(), |_| vec![]).is_none());
        assert!(evaluation("x", &[]).is_none());
    }
}
