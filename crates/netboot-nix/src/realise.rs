//! Builds evaluated derivations, protects them from the garbage collector, and records their logs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netboot_core::{Context, ProfileName};

use crate::build_log::{LogDirectory, replace};
use crate::classify::realisation::{Realising, query, realisation};
use crate::error::Error;
use crate::flake_answer::Output;
use crate::nix_output::NixOutput;
use crate::progress::Reported;
use crate::recorder::Recorder;
use crate::roots;
use crate::runner::Runner;
use crate::scale_out::ScaleOut;
use crate::stop::{Stop, blocking};
use crate::store_copy::{fetch_outputs, send_derivations};
use crate::warnings::Warnings;
use crate::watch::Watch;

/// Roots and logs that the images of a builder need. They are kept as long as the builder exists.
#[derive(Debug, Clone, Default)]
pub(crate) struct PathsInUse(Arc<Mutex<BTreeSet<PathBuf>>>);

impl PathsInUse {
    fn add(&self, path: PathBuf) {
        self.lock().insert(path);
    }

    pub(crate) fn to_set(&self) -> BTreeSet<PathBuf> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The contents of a build's log.
#[derive(Debug)]
pub(crate) struct Realised {
    requisites: BTreeSet<String>,
    header: String,
}

/// Realises the parts of one profile.
#[derive(Debug)]
pub(crate) struct Realisation<'a> {
    pub(crate) runner: &'a Runner,
    pub(crate) state: &'a Path,
    pub(crate) logs: &'a LogDirectory,
    pub(crate) profile: &'a ProfileName,
    /// The configuration, for errors.
    pub(crate) attribute: &'a str,
    pub(crate) context: &'a Context,
    pub(crate) scale_out: &'a ScaleOut,
    pub(crate) in_use: &'a PathsInUse,
}

impl Realisation<'_> {
    /// Everything that must be built or fetched for `derivations`, including the derivations.
    pub(crate) async fn requisites(&self, derivations: &[&str]) -> Result<BTreeSet<String>, Stop> {
        let mut arguments: Vec<OsString> = vec!["--query".into(), "--requisites".into()];
        arguments.extend(derivations.iter().map(OsString::from));
        let mut nix_output = NixOutput::default();
        let mut warnings = Warnings::new(Some(self.profile), self.context);
        let finished = self
            .runner
            .run("nix-store", &arguments, self.context, |line| {
                if let Some(event) = self.runner.read_line(line) {
                    warnings.record(&event);
                    nix_output.record(&event);
                }
            })
            .await?;
        if finished.status.success() {
            let text = String::from_utf8_lossy(&finished.output);
            return Ok(text.lines().map(str::to_owned).collect());
        }
        let unknown =
            || self.runner.failure("nix-store", &arguments, finished.status, &nix_output.all);
        Err(query(&nix_output, finished.status, self.attribute).unwrap_or_else(unknown).into())
    }

    /// Builds or fetches all `outputs` and makes a root for each. `header` and the logs of
    /// `requisites` become the [`log`](Self::log) of the build. The caller must hold the lock of
    /// the state directory.
    pub(crate) async fn realise(
        &self,
        outputs: &[Output],
        requisites: BTreeSet<String>,
        header: String,
    ) -> Result<Realised, Stop> {
        let directory = roots::directory(self.state, self.profile);
        let made = directory.clone();
        blocking(move || {
            std::fs::create_dir_all(&made).map_err(|source| Error::io("create", &made, source))
        })
        .await?;
        let paths: Vec<&str> = outputs.iter().map(|output| output.out.as_str()).collect();
        let all: Vec<OsString> =
            outputs.iter().map(installable).chain(["--keep-going".into()]).collect();
        let mut reported = Reported::new();
        if let Some(store) = self.scale_out.other_store() {
            let derivations: Vec<&str> = outputs.iter().map(|output| output.drv.as_str()).collect();
            send_derivations(self.runner, store, &derivations, self.context).await?;
            let mut there: Vec<OsString> = vec!["--store".into(), store.expose().into()];
            there.extend(all.iter().cloned());
            self.run(there, &requisites, &header, &mut reported).await?;
            fetch_outputs(self.runner, store, &paths, self.context).await?;
        }
        let root = roots::first(&directory, &paths);
        let mut here = all;
        here.extend(["--add-root".into(), root.clone().into_os_string()]);
        self.run(here, &requisites, &header, &mut reported).await?;
        for (number, output) in (1..).zip(outputs) {
            let link = roots::root(&root, number, &output.name);
            let (made, out) = (link.clone(), output.out.clone());
            let attribute = self.attribute.to_owned();
            blocking(move || roots::check(&made, &out, attribute)).await?;
            self.in_use.add(link);
        }

        Ok(Realised { requisites, header })
    }

    /// Writes the log of a build and returns its path.
    pub(crate) async fn log(
        &self,
        parts: &BTreeMap<&str, Output>,
        Realised { requisites, header }: Realised,
    ) -> Result<PathBuf, Stop> {
        let (logs, name) = (self.logs.clone(), self.profile.to_string());
        let derivations: BTreeSet<String> = parts.values().map(|part| part.drv.clone()).collect();
        let place = blocking(move || logs.of_profile(&name, &header, &derivations, &requisites));
        let place = place.await?;
        self.in_use.add(place.clone());
        Ok(place)
    }

    async fn run(
        &self,
        arguments: Vec<OsString>,
        requisites: &BTreeSet<String>,
        header: &str,
        reported: &mut Reported,
    ) -> Result<(), Stop> {
        let options = ["--realise", "--log-format", "internal-json", "-v"].map(OsString::from);
        let arguments: Vec<OsString> = options.into_iter().chain(arguments).collect();
        let recorder = Recorder::new(self.logs.clone());
        let mut watch = Watch::new(self.runner, recorder, self.profile, self.context, reported);
        let finished =
            self.runner.run("nix-store", &arguments, self.context, |line| watch.line(line)).await?;
        let Watch { recorder, nix_output, write_error, .. } = watch;
        if let Some(error) = write_error {
            return Err(error.into());
        }
        if finished.status.success() {
            return blocking(move || recorder.finish(true).map(drop)).await;
        }
        let build_log = self.logs.of_failed(self.profile);
        let realising = Realising {
            attribute: self.attribute,
            build_log: &build_log,
            ended_last: recorder.ended_last(),
        };
        let error = realisation(&nix_output, finished.status, realising, |derivation| {
            recorder.last_lines(derivation)
        });
        // These errors name every derivation that failed. After other errors, a builder that ended
        // may have failed.
        let is_sure =
            matches!(&error, Some(Error::BuildFailed { .. } | Error::HashMismatch { .. }));
        let messages = format!("\n--- nix-store\n{}\n", nix_output.all.to_vec().join("\n"));
        let (logs, requisites, place) = (self.logs.clone(), requisites.clone(), build_log.clone());
        let mut log = header.as_bytes().to_vec();
        blocking(move || {
            let of_failed = recorder.finish(is_sure)?;
            log.extend(logs.collect(&requisites)?);
            log.extend(of_failed);
            log.extend(messages.into_bytes());
            replace(&place, &log)
        })
        .await?;
        let unknown = || {
            let failure =
                self.runner.failure("nix-store", &arguments, finished.status, &nix_output.all);
            failure.with_build_log(build_log)
        };
        Err(self.runner.with_proxy(error.unwrap_or_else(unknown)).into())
    }
}

fn installable(output: &Output) -> OsString {
    format!("{}!{}", output.drv, output.name).into()
}
