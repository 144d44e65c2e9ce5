//! One evaluation for all profiles: the flake is locked, then asked for all that is needed of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use netboot_core::{Context, Event, Phase, ProfileName, ServiceName};
use serde::{Deserialize, Serialize};

use crate::asked_of_git::asked_of_git;
use crate::classify::{self, Warning};
use crate::overrides::Embedded;
use crate::policy;
use crate::process::{Runner, Stop};
use crate::progress::{Progress, Reported};
use crate::said::Said;
use crate::{Error, FlakeReference};

const PROBE: &str = include_str!("probe.nix");
const OVERRIDES: &str = include_str!("overrides.nix");
const POLICY: &str = include_str!("policy.nix");

/// The greatest length in bytes of an argument that Linux takes is 128 KiB (`execve(2)`); this
/// leaves room.
const CALL_LIMIT: usize = 120_000;

/// What is asked of the flake for one profile.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Wanted {
    /// The name of the configuration.
    pub(crate) name: String,
    pub(crate) overrides: Option<Embedded>,
    /// The services that a policy asks for, if there is one.
    pub(crate) services: Option<Vec<ServiceName>>,
}

/// What the flake said.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    pub(crate) nix_version: String,
    /// The directory of the store.
    pub(crate) store: PathBuf,
    pub(crate) available: Vec<String>,
    /// By the names of the profiles.
    pub(crate) configurations: BTreeMap<String, Configuration>,
}

/// What the flake said of one configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum Configuration {
    /// There is none of that name.
    Missing,
    /// It throws.
    Failed,
    /// It has no `extendModules`, and there are overrides.
    Fixed,
    /// It has these values.
    Evaluated(Box<Values>),
}

/// The values of a configuration; those that it does not have are `None`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Values {
    pub(crate) kernel: Option<Output>,
    pub(crate) initrd: Option<Output>,
    pub(crate) toplevel: Option<Output>,
    pub(crate) kernel_parameters: Option<serde_json::Value>,
    pub(crate) kernel_file: Option<serde_json::Value>,
    pub(crate) policy: Option<policy::Reading>,
}

/// An output of a derivation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Output {
    pub(crate) drv: String,
    pub(crate) out: String,
    #[serde(rename = "output")]
    pub(crate) name: String,
    pub(crate) system: Option<String>,
}

impl Output {
    /// What is wrong with an output that no derivation of this store can have. It comes from the
    /// flake's code, which can say anything, and goes to Nix as an argument, and to a target as the
    /// place of files.
    pub(crate) fn problem(&self, store: &Path) -> Option<&'static str> {
        // The characters of names in the store (Nix manual, "Store path").
        let is_name = |name: &str| {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+-._?=".contains(c);
            !name.is_empty() && !name.starts_with('-') && name.chars().all(is_allowed)
        };
        let in_store = |path: &str| {
            let path = Path::new(path);
            let name = path.file_name().and_then(|name| name.to_str());
            path.parent() == Some(store) && name.is_some_and(|name| is_name(name) && name != "..")
        };
        if !in_store(&self.drv) || Path::new(&self.drv).extension() != Some("drv".as_ref()) {
            Some("its `drvPath` is no derivation in the store")
        } else if !in_store(&self.out) {
            Some("its `outPath` is no path in the store")
        } else if !is_name(&self.name) {
            Some("its `outputName` is no name of an output")
        } else {
            None
        }
    }
}

#[derive(Deserialize)]
struct Metadata {
    url: String,
    locked: LockedReference,
}

#[derive(Deserialize)]
struct LockedReference {
    #[serde(rename = "narHash")]
    nar_hash: Option<String>,
}

/// A flake that was locked.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    /// Its URL with revision or NAR hash, credentials included.
    pub(crate) url: String,
    /// The NAR hash of its source.
    pub(crate) nar_hash: Option<String>,
}

/// Locks the flake.
pub(crate) async fn lock(
    runner: &Runner,
    flake: &FlakeReference,
    context: &Context,
) -> Result<Locked, Stop> {
    let _phase = context.phase(Phase::Locking, None);
    let arguments = arguments(&["flake", "metadata", "--json"], &[flake.as_str()]);
    match run(runner, arguments, Phase::Locking, context).await? {
        Ok(stdout) => {
            let Metadata { url, locked } = read_json("nix flake metadata", &stdout)?;
            Ok(Locked { url, nar_hash: locked.nar_hash })
        }
        Err(failed) => {
            let Failed { said, status, fallback } = *failed;
            let error = classify::lock(flake, &said, status).unwrap_or(fallback);
            Err(asked_of_git(error, flake, runner, context).await?.into())
        }
    }
}

/// Evaluates what is `wanted` of the locked flake, in one evaluation. With `isolate`, a configuration
/// that throws is [`Configuration::Failed`]; without, its message is the error.
pub(crate) async fn evaluate(
    runner: &Runner,
    flake: &FlakeReference,
    locked: &str,
    wanted: &BTreeMap<&ProfileName, &Wanted>,
    isolate: bool,
    context: &Context,
) -> Result<Answer, Stop> {
    let json = serde_json::to_string(wanted).map_err(|error| Error::UnreadableOutput {
        program: "Netboot".to_owned(),
        problem: error.to_string(),
    })?;
    let call = format!(
        "({PROBE}) {{ wanted = builtins.fromJSON {}; isolate = {isolate}; \
         overrideModules = ({OVERRIDES}); readPolicy = ({POLICY}); }}",
        nix_string(&json)
    );
    if call.len() > CALL_LIMIT {
        let problem = "they are longer than an argument of a program may be: put them into a \
                       module of their own";
        return Err(Error::InvalidOption { option: "`overrides`".to_owned(), problem }.into());
    }
    let installable = format!("{locked}#nixosConfigurations");
    let arguments = arguments(&["eval", "--json", "--apply", &call], &[&installable]);
    match run(runner, arguments, Phase::Evaluating, context).await? {
        Ok(stdout) => Ok(read_json("nix eval", &stdout)?),
        Err(failed) => {
            let Failed { said, status, fallback } = *failed;
            let mut names = wanted.values().map(|wanted| &wanted.name);
            let attribute = match (names.next(), names.next()) {
                (Some(name), None) => format!("nixosConfigurations.{name}"),
                _ => "nixosConfigurations".to_owned(),
            };
            let error = classify::evaluation(flake, &attribute, &said, status).unwrap_or(fallback);
            Err(asked_of_git(error, flake, runner, context).await?.into())
        }
    }
}

/// Options first, then `--`, so that no reference is taken for an option.
fn arguments(command: &[&str], positional: &[&str]) -> Vec<OsString> {
    let options = ["--no-accept-flake-config", "--no-update-lock-file", "--log-format"];
    let rest = ["internal-json", "-v", "--"];
    command.iter().chain(&options).chain(&rest).chain(positional).map(OsString::from).collect()
}

/// A program that failed.
struct Failed {
    said: Said,
    status: ExitStatus,
    /// The error for when what it said is not known.
    fallback: Error,
}

/// Runs `nix`; gives its output, or what it said.
async fn run(
    runner: &Runner,
    arguments: Vec<OsString>,
    phase: Phase,
    context: &Context,
) -> Result<Result<Vec<u8>, Box<Failed>>, Stop> {
    let (mut said, mut reported) = (Said::default(), Reported::new());
    let mut progress = Progress::new(phase, None, context, &mut reported);
    let finished = runner
        .run("nix", &arguments, context, |line| {
            if let Some(event) = runner.read_line(line) {
                progress.take_in(&event);
                said.take_in(&event);
            }
        })
        .await?;
    report_warnings(&said, None, context);
    // A failed `nix eval --json` of 2.8 prints half of its answer, so the status comes first.
    let status = finished.status;
    if status.success() {
        return Ok(Ok(finished.stdout));
    }
    let fallback = runner.failure("nix", &arguments, status, &said.all);
    Ok(Err(Box::new(Failed { said, status, fallback })))
}

/// Tells an operator what Nix warned of, where there is a remedy, once each.
pub(crate) fn report_warnings(said: &Said, profile: Option<&ProfileName>, context: &Context) {
    let known: BTreeSet<Warning> =
        said.warnings.iter().filter_map(|message| Warning::read(message)).collect();
    for warning in known {
        context.emit(Event::Warning {
            profile: profile.cloned(),
            message: warning.to_string(),
            hint: Some(warning.hint()),
        });
    }
}

fn read_json<T: for<'a> Deserialize<'a>>(program: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::UnreadableOutput {
        program: program.to_owned(),
        problem: error.to_string(),
    })
}

/// A text as a string of the Nix language (Nix manual, "String literal").
pub(crate) fn nix_string(text: &str) -> String {
    // A carriage return that stands there as itself is read as a line feed.
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#);
    let escaped = escaped.replace("${", r"\${").replace('\r', r"\r");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use netboot_testbed::HermeticNix;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_output_lies_in_the_store() {
        let output = |drv: &str, out: &str, name: &str| Output {
            drv: drv.to_owned(),
            out: out.to_owned(),
            name: name.to_owned(),
            system: None,
        };
        let problem = |output: Output| output.problem(Path::new("/nix/store"));
        assert_eq!(problem(output("/nix/store/a-x.drv", "/nix/store/b-x", "out")), None);
        for (drv, out, name) in [
            ("--help.drv", "/nix/store/b-x", "out"),
            ("/nix/store/a-x", "/nix/store/b-x", "out"),
            ("/nix/store/../a-x.drv", "/nix/store/b-x", "out"),
            ("/nix/store/a-x.drv", "/etc", "out"),
            ("/nix/store/a-x.drv", "/nix/store/..", "out"),
            ("/nix/store/a-x.drv", "/nix/store/b-x/etc", "out"),
            ("/nix/store/a-x.drv", "/nix/store", "out"),
            ("/nix/store/a-x.drv", "/nix/store/b-x", "out,dev"),
            ("/nix/store/a-x.drv", "/nix/store/b-x", ""),
        ] {
            assert!(problem(output(drv, out, name)).is_some(), "{drv} {out} {name}");
        }
    }

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
