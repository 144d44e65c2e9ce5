//! The functions of the fuzz targets in `fuzz/`. They exist in fuzz builds and in tests alone.
//! Each function returns true if the bytes were accepted.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is how a fuzz target reports a broken rule"
)]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use crate::classify::evaluation::evaluation;
use crate::classify::lock::lock;
use crate::classify::realisation::{Realising, query, realisation};
use crate::classify::warning::Warning;
use crate::error::Error;
use crate::flake_answer::{Answer, Configuration};
use crate::flake_reference::FlakeReference;
use crate::nix_output::NixOutput;
use crate::path_info;
use crate::redaction::Secrets;
use crate::runner::Runner;

/// A credential that the lines of the target may contain.
const SECRET: &str = "hunter22";

/// Every log is read line by line and classified, and no error shows a credential.
pub fn internal_json(data: &[u8]) -> bool {
    let mut secrets = Secrets::default();
    secrets.add(SECRET);
    let runner = Runner { secrets, ..Runner::default() };
    let mut output = NixOutput::default();
    for line in String::from_utf8_lossy(data).lines() {
        if let Some(event) = runner.read_line(line) {
            output.record(&event);
        }
    }
    for warning in output.warnings.iter().filter_map(|message| Warning::read(message)) {
        let _ = (warning.to_string(), warning.hint());
    }
    let flake = FlakeReference::new("github:owner/name").unwrap();
    let build_log = Path::new("build.log");
    let realising = Realising { attribute: "a", build_log, ended_last: Some("/nix/store/a-b.drv") };
    // Ended with code 1, and by SIGABRT.
    for status in [0x100, 6].map(ExitStatus::from_raw) {
        let errors: [Option<Error>; 4] = [
            lock(&flake, &output, status),
            evaluation(&flake, (None, &[]), "a", &output, status),
            query(&output, status, "a"),
            realisation(&output, status, realising, |_| Vec::new()),
        ];
        for error in errors.into_iter().flatten() {
            let shown = format!("{error} {error:?} {:?}", error.hint());
            assert!(!shown.contains(SECRET), "{shown}");
        }
    }
    !output.messages.is_empty()
}

/// Every answer of Nix about a flake or about store paths is read, and outputs are checked.
pub fn nix_answer(data: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<Answer>(data) else {
        return path_info::read(data).is_ok();
    };
    for configuration in answer.configurations.into_values() {
        let Configuration::Evaluated(values) = configuration else { continue };
        for output in [&values.kernel, &values.initrd, &values.toplevel].into_iter().flatten() {
            if output.problem(&answer.store).is_none() {
                assert_eq!(Path::new(&output.out).parent(), Some(&*answer.store));
                assert!(!output.out.contains(char::is_whitespace), "{output:?}");
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use netboot_testbed::each_fuzz_seed;

    #[test]
    fn the_fuzz_targets_take_their_seeds() {
        each_fuzz_seed("internal_json", super::internal_json);
        each_fuzz_seed("nix_answer", super::nix_answer);
    }
}
