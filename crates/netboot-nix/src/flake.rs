//! Locks a flake and evaluates it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitStatus;

use netboot_core::{Context, Phase, ProfileName};
use serde::Deserialize;

use crate::classify;
use crate::error::Error;
use crate::flake_answer::{Answer, ProfileRequest};
use crate::flake_reference::FlakeReference;
use crate::git_diagnosis::diagnose_with_git;
use crate::locked_inputs::{LockedInput, locked_inputs};
use crate::module_paths::ModulePaths;
use crate::nix_output::NixOutput;
use crate::progress::{Progress, Reported};
use crate::runner::Runner;
use crate::stop::Stop;
use crate::warnings::{Mark, Warnings};

const PROBE: &str = include_str!("probe.nix");
const OVERRIDES: &str = include_str!("overrides.nix");
const CLOSURE_MODULE: &str = include_str!("closure_boot/module.nix");
const CLOSURE_MODULES: &str = include_str!("closure_boot/modules.nix");
const POLICY: &str = include_str!("policy.nix");

/// The maximum length of the expression in bytes. Linux limits an argument to 128 KiB
/// (`execve(2)`); this limit leaves some room.
const CALL_LIMIT: usize = 120_000;

#[derive(Deserialize)]
struct Metadata {
    url: String,
    locked: LockedReference,
    #[serde(default)]
    locks: serde_json::Value,
}

#[derive(Deserialize)]
struct LockedReference {
    #[serde(rename = "narHash")]
    nar_hash: Option<String>,
    /// The revision of the source, which a source with changes does not have.
    rev: Option<String>,
}

/// A locked flake.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Locked {
    /// The URL with revision or NAR hash, including credentials.
    pub(crate) url: String,
    /// The NAR hash of the source.
    pub(crate) nar_hash: Option<String>,
    /// The revision, if version control has exactly this content.
    pub(crate) revision: Option<String>,
    pub(crate) inputs: Vec<LockedInput>,
}

/// Locks the flake.
pub(crate) async fn lock(
    runner: &Runner,
    flake: &FlakeReference,
    context: &Context,
) -> Result<Locked, Stop> {
    let _phase = context.phase(Phase::Locking, None);
    let arguments = arguments(&["flake", "metadata", "--json"], &[flake.as_str()]);
    let phase = Phase::Locking;
    let warnings = Warnings::new(None, context);
    match run(runner, &flake.to_string(), arguments, phase, warnings, context).await? {
        Ok(stdout) => {
            let Metadata { url, locked, locks } = read_json("nix flake metadata", &stdout)?;
            let url = with_parameters_of(url, flake.as_str());
            let LockedReference { nar_hash, rev: revision } = locked;
            Ok(Locked { url, nar_hash, revision, inputs: locked_inputs(&locks) })
        }
        Err(failed) => {
            let Failed { nix_output, status, fallback } = *failed;
            let error = classify::lock::lock(flake, &nix_output, status).unwrap_or(fallback);
            let error = runner.with_proxy(error);
            Err(diagnose_with_git(error, flake, runner, context).await?.into())
        }
    }
}

/// A locked URL with the parameters of the reference that choose the content. Nix 2.8 leaves them
/// out of the URL that it prints.
fn with_parameters_of(mut url: String, reference: &str) -> String {
    let query = reference.split_once('?').map_or("", |(_, query)| query);
    for parameter in query.split('&') {
        let is_of_content = ["submodules=", "lfs="].iter().any(|name| parameter.starts_with(name));
        if is_of_content && !url.contains(parameter) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(parameter);
        }
    }
    url
}

/// Evaluates `wanted` in one evaluation of the locked flake. With `isolate`, a configuration that
/// throws becomes [`Configuration::Failed`](crate::flake_answer::Configuration::Failed). Without
/// it, the message is the error.
pub(crate) async fn evaluate(
    runner: &Runner,
    flake: &FlakeReference,
    locked: &Locked,
    wanted: &BTreeMap<&ProfileName, &ProfileRequest>,
    isolate: bool,
    context: &Context,
) -> Result<Answer, Stop> {
    let json = serde_json::to_string(wanted).map_err(|error| Error::UnreadableOutput {
        program: "Netboot".to_owned(),
        problem: error.to_string().into(),
    })?;
    let mark = Mark::new();
    let call = format!(
        "({PROBE}) {{ wanted = builtins.fromJSON {}; mark = {}; isolate = {isolate}; \
         overrideModules = ({OVERRIDES}); readPolicy = ({POLICY}); \
         closureModules = ({CLOSURE_MODULES}) ({CLOSURE_MODULE}); }}",
        nix_string(&json),
        nix_string(mark.as_str())
    );
    if call.len() > CALL_LIMIT {
        let problem = "they are too long for an argument of a program: put them into their own \
                       module";
        return Err(Error::InvalidOption { option: "`overrides`".to_owned(), problem }.into());
    }
    let installable = format!("{}#nixosConfigurations", locked.url);
    let arguments = arguments(&["eval", "--json", "--apply", &call], &[&installable]);
    let mut requests = wanted.values();
    let attribute = match (requests.next(), requests.next()) {
        (Some(only), None) => format!("nixosConfigurations.{}", only.name),
        _ => "nixosConfigurations".to_owned(),
    };
    let warnings = Warnings::with_mark(&mark, context);
    match run(runner, &attribute, arguments, Phase::Evaluating, warnings, context).await? {
        Ok(stdout) => Ok(read_json("nix eval", &stdout)?),
        Err(failed) => {
            let Failed { nix_output, status, fallback } = *failed;
            let error = classify::evaluation::evaluation(
                flake,
                (Some(&locked.url), &locked.inputs),
                &attribute,
                &nix_output,
                status,
            )
            .unwrap_or(fallback);
            let error = runner.with_proxy(error);
            Err(diagnose_with_git(error, flake, runner, context).await?.into())
        }
    }
}

/// Options first, then `--`, so that a reference is never read as an option.
fn arguments(command: &[&str], positional: &[&str]) -> Vec<OsString> {
    let options = ["--no-accept-flake-config", "--no-update-lock-file", "--log-format"];
    let rest = ["internal-json", "-v", "--"];
    command.iter().chain(&options).chain(&rest).chain(positional).map(OsString::from).collect()
}

/// A failed program.
struct Failed {
    nix_output: NixOutput,
    status: ExitStatus,
    /// The error if the messages are unknown.
    fallback: Error,
}

/// Runs `nix` and returns its output, or its messages if it fails.
async fn run(
    runner: &Runner,
    attribute: &str,
    arguments: Vec<OsString>,
    phase: Phase,
    mut warnings: Warnings<'_>,
    context: &Context,
) -> Result<Result<Vec<u8>, Box<Failed>>, Stop> {
    let (mut nix_output, mut reported) = (NixOutput::default(), Reported::new());
    let mut progress = Progress::new(phase, None, context, &mut reported);
    let (mark, mut modules) = (warnings.mark(), ModulePaths::default());
    let finished = runner
        .evaluate(attribute, &arguments, context, |line| {
            if let Some(event) = runner.read_line(&modules.in_line(line)) {
                if let Some(mark) = mark {
                    modules.record(mark, &event);
                }
                progress.record(&event);
                warnings.record(&event);
                nix_output.record(&event);
            }
        })
        .await?;
    // A failed `nix eval --json` of Nix 2.8 prints half of its answer, so check the status first.
    let status = finished.status;
    if status.success() {
        return Ok(Ok(finished.output));
    }
    let of_memory = ["out of memory", "bad_alloc"];
    let crash = nix_output.crash.as_deref();
    let crash = crash.filter(|words| of_memory.iter().any(|text| words.contains(text)));
    if let Some(message) = nix_output.find(&of_memory).or(crash) {
        let limit = runner.evaluation_limits.memory;
        let (attribute, message) = (attribute.to_owned(), message.into());
        return Err(Error::EvaluationTooLarge { attribute, limit, message }.into());
    }
    let fallback = runner.failure("nix", &arguments, status, &nix_output.all);
    Ok(Err(Box::new(Failed { nix_output, status, fallback })))
}

fn read_json<T: for<'a> Deserialize<'a>>(program: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::UnreadableOutput {
        program: program.to_owned(),
        problem: error.to_string().into(),
    })
}

/// A text as a string literal of the Nix language (Nix manual, "String literal").
pub(crate) fn nix_string(text: &str) -> String {
    // Nix reads an unescaped carriage return as a line feed.
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#);
    let escaped = escaped.replace("${", r"\${").replace('\r', r"\r");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use netboot_testbed::HermeticNix;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5))]
        #[test]
        fn nix_reads_every_string_as_it_was(
            texts in prop::collection::vec("([^\0]|[$\\\\\"{}\r\n'])*", 100)
        ) {
            let strings: Vec<String> = texts.iter().map(|text| nix_string(text)).collect();
            let output = HermeticNix::new()
                .command("nix-instantiate")
                .args(["--eval", "--json", "--strict", "-E", &format!("[ {} ]", strings.join(" "))])
                .output()
                .unwrap();
            let read: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
            prop_assert_eq!(read, texts);
        }
    }
}
