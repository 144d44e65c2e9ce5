//! Builds what was evaluated, keeps it from the garbage collector, and records its log.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use netboot_core::{Context, Event, Phase, ProfileName, Unit};

use crate::build_log::{LogDirectory, replace, write_once};
use crate::internal_json::LogEvent;
use crate::probe::Output;
use crate::process::{LastLines, Runner, Stop};
use crate::recorder::Recorder;
use crate::state_lock::StateLock;
use crate::{Error, classify};

/// How many more bytes a download has to have before it is reported again.
const PROGRESS_STEP: u64 = 1024 * 1024;

/// What was reported last of each subject: done and total.
type Reported = BTreeMap<String, (u64, u64)>;

/// Realises the parts of one profile.
#[derive(Debug)]
pub(crate) struct Realisation<'a> {
    pub(crate) runner: &'a Runner,
    pub(crate) state: &'a Path,
    pub(crate) logs: &'a LogDirectory,
    pub(crate) profile: &'a ProfileName,
    pub(crate) context: &'a Context,
    /// How long the roots of earlier builds are kept.
    pub(crate) keep_roots: Duration,
    /// The roots that this builder took, which are kept for as long as it is there.
    pub(crate) taken_roots: &'a Mutex<BTreeSet<PathBuf>>,
}

impl Realisation<'_> {
    /// Everything that must be built or fetched for these derivations, themselves included.
    pub(crate) async fn requisites(&self, derivations: &[&str]) -> Result<BTreeSet<String>, Stop> {
        let mut arguments: Vec<OsString> = vec!["--query".into(), "--requisites".into()];
        arguments.extend(derivations.iter().map(OsString::from));
        let mut last_lines = LastLines::default();
        let finished = self
            .runner
            .run("nix-store", &arguments, self.context, |line| last_lines.push(line.to_owned()))
            .await?;
        if finished.status.success() {
            let text = String::from_utf8_lossy(&finished.stdout);
            return Ok(text.lines().map(str::to_owned).collect());
        }
        let status = finished.status;
        Err(self.runner.failure("nix-store", &arguments, status, &last_lines).into())
    }

    /// Builds or fetches all `parts`, then takes a root for each. `header` and the logs of
    /// `requisites` make the log of the build, whose place is the result.
    pub(crate) async fn realise(
        &self,
        parts: &BTreeMap<&str, Output>,
        requisites: &BTreeSet<String>,
        header: &str,
    ) -> Result<PathBuf, Stop> {
        let _phase = self.context.phase(Phase::Realising, Some(self.profile));
        let _lock = StateLock::acquire(self.state, self.profile, self.context).await?;
        self.logs.clean()?;
        let keep_going = ["--keep-going".into()];
        let all = parts.values().map(installable).chain(keep_going).collect();
        let mut reported = Reported::new();
        self.run(all, requisites, header, &mut reported).await?;
        let roots = self.state.join("roots").join(self.profile.as_str());
        std::fs::create_dir_all(&roots).map_err(|source| Error::io("create", &roots, source))?;
        for part in parts.values() {
            // Named by what it keeps, so builds of one profile at once do not take each other's.
            let name = part.out.rsplit('/').next().unwrap_or(&part.out);
            let root = roots.join(name);
            let arguments =
                vec![installable(part), "--add-root".into(), root.clone().into_os_string()];
            self.run(arguments, requisites, header, &mut reported).await?;
            self.taken_roots().insert(root);
        }
        remove_old_roots(&roots, &self.taken_roots(), self.keep_roots)?;

        let derivations = parts.values().map(|part| part.drv.as_str()).collect();
        let mut log = header.as_bytes().to_vec();
        log.extend(self.logs.collect_once(&derivations, requisites)?);
        let name = netboot_core::Sha256Digest::of(&log).to_string();
        let place = self.state.join("logs").join(format!("{}-{}.log", self.profile, &name[..16]));
        write_once(&place, &log)?;
        Ok(place)
    }

    fn taken_roots(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.taken_roots.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut watch = Watch::new(self, reported);
        let finished =
            self.runner.run("nix-store", &arguments, self.context, |line| watch.line(line)).await?;
        let Watch { recorder, messages, last_lines, write_error, .. } = watch;
        if let Some(error) = write_error {
            return Err(error.into());
        }
        if finished.status.success() {
            recorder.finish(true)?;
            return Ok(());
        }
        let build_log = self.state.join("logs").join(format!("{}-failed.log", self.profile));
        let error = classify::realisation(&messages, build_log.clone(), |derivation| {
            recorder.last_lines(derivation)
        });
        // These name every derivation that failed; after others, what ended may not be built.
        let is_sure = error.as_ref().is_some_and(|error| error.build_log().is_some());
        let of_failed = recorder.finish(is_sure)?;
        let mut log = header.as_bytes().to_vec();
        log.extend(self.logs.collect(requisites)?);
        log.extend(of_failed);
        log.extend(format!("\n--- nix-store\n{}\n", messages.join("\n")).into_bytes());
        replace(&build_log, &log)?;
        Err(error
            .unwrap_or_else(|| {
                let status = finished.status;
                self.runner.failure("nix-store", &arguments, status, &last_lines)
            })
            .into())
    }
}

fn installable(output: &Output) -> OsString {
    format!("{}!{}", output.drv, output.name).into()
}

/// Removes the roots of earlier builds of a profile but for `taken`, so that Nix may collect them.
fn remove_old_roots(
    directory: &Path,
    taken: &BTreeSet<PathBuf>,
    keep: Duration,
) -> Result<(), Error> {
    let failed = |source| Error::io("clean", directory, source);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        let age = metadata.modified().map_err(failed)?.elapsed();
        let is_old = age.is_ok_and(|age| age > keep);
        if metadata.is_symlink() && is_old && !taken.contains(&entry.path()) {
            match std::fs::remove_file(entry.path()) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed(error));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Follows a realisation: records what builders print, and reports it.
struct Watch<'a> {
    runner: &'a Runner,
    recorder: Recorder,
    profile: &'a ProfileName,
    context: &'a Context,
    messages: Vec<String>,
    last_lines: LastLines,
    write_error: Option<Error>,
    builds: Option<u64>,
    copies: BTreeMap<u64, String>,
    reported: &'a mut Reported,
}

impl<'a> Watch<'a> {
    fn new(realisation: &Realisation<'a>, reported: &'a mut Reported) -> Self {
        let Realisation { runner, profile, context, logs, .. } = *realisation;
        let recorder = Recorder::new(logs.clone());
        Self {
            runner,
            recorder,
            profile,
            context,
            messages: Vec::new(),
            last_lines: LastLines::default(),
            write_error: None,
            builds: None,
            copies: BTreeMap::new(),
            reported,
        }
    }

    fn line(&mut self, line: &str) {
        let Some(event) = self.runner.read_line(line) else { return };
        match self.recorder.record(&event) {
            Ok(Some(derivation)) => {
                if let LogEvent::BuildLine { line, .. } = &event {
                    let origin = derivation_name(derivation).to_owned();
                    let profile = Some(self.profile.clone());
                    self.context.emit(Event::Log { profile, origin, line: line.clone() });
                }
            }
            Ok(None) => {}
            Err(error) => self.write_error = Some(error),
        }
        match event {
            LogEvent::Error { message } => {
                self.last_lines.push(message.clone());
                self.messages.push(message);
            }
            LogEvent::Plain { line } => self.last_lines.push(line),
            LogEvent::BuildsStarted { activity } => self.builds = Some(activity),
            LogEvent::CopyStarted { activity, path } => {
                self.copies.insert(activity, path);
            }
            LogEvent::Progress { activity, done, expected } => {
                if self.builds == Some(activity) {
                    self.report("derivations".to_owned(), done, expected, Unit::Items);
                } else if let Some(path) = self.copies.get(&activity) {
                    self.report(derivation_name(path).to_owned(), done, expected, Unit::Bytes);
                }
            }
            _ => {}
        }
    }

    /// Reports progress: never backwards, and bytes not too often.
    fn report(&mut self, subject: String, done: u64, total: u64, unit: Unit) {
        let (last_done, last_total) = self.reported.get(&subject).copied().unwrap_or_default();
        let (done, total) = (done.max(last_done), total.max(last_total).max(done));
        let is_step = match unit {
            Unit::Bytes => done == total || done - last_done >= PROGRESS_STEP,
            _ => true,
        };
        if total == 0 || !is_step || (done, total) == (last_done, last_total) {
            return;
        }
        self.reported.insert(subject.clone(), (done, total));
        self.context.emit(Event::Progress {
            phase: Phase::Realising,
            profile: Some(self.profile.clone()),
            subject,
            done,
            total: Some(total),
            unit,
        });
    }
}

/// The name in a store path: what stands behind the hash.
fn derivation_name(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.split_once('-').map_or(base, |(_, name)| name).trim_end_matches(".drv")
}
