//! Follows a realisation: records the output of builders and reports progress.

use netboot_core::{Context, Event, Phase, ProfileName};

use crate::error::Error;
use crate::internal_json::LogEvent;
use crate::nix_output::NixOutput;
use crate::progress::{Progress, Reported, name_in_store};
use crate::recorder::Recorder;
use crate::runner::Runner;
use crate::warnings::Warnings;

/// Reads the lines of a realisation's log.
pub(crate) struct Watch<'a> {
    runner: &'a Runner,
    pub(crate) recorder: Recorder,
    profile: &'a ProfileName,
    context: &'a Context,
    pub(crate) nix_output: NixOutput,
    pub(crate) write_error: Option<Error>,
    progress: Progress<'a>,
    warnings: Warnings<'a>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        runner: &'a Runner,
        recorder: Recorder,
        profile: &'a ProfileName,
        context: &'a Context,
        reported: &'a mut Reported,
    ) -> Self {
        Self {
            runner,
            recorder,
            profile,
            context,
            nix_output: NixOutput::default(),
            write_error: None,
            progress: Progress::new(Phase::Realising, Some(profile), context, reported),
            warnings: Warnings::new(Some(profile), context),
        }
    }

    pub(crate) fn line(&mut self, line: &str) {
        let Some(event) = self.runner.read_line(line) else { return };
        match self.recorder.record(&event) {
            Ok(Some(derivation)) => {
                if let LogEvent::BuildLine { line, .. } = &event {
                    let origin = name_in_store(derivation).to_owned();
                    let profile = Some(self.profile.clone());
                    self.context.emit(Event::Log { profile, origin, line: line.to_string() });
                }
            }
            Ok(None) => {}
            Err(error) => self.write_error = Some(error),
        }
        self.warnings.record(&event);
        self.nix_output.record(&event);
        self.progress.record(&event);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::build_log::LogDirectory;

    #[test]
    fn each_version_s_log_is_recorded_and_told() {
        for (version, log) in [
            ("2.8", include_str!("../tests/recorded/2.8.log")),
            ("2.26", include_str!("../tests/recorded/2.26.log")),
            ("2.34", include_str!("../tests/recorded/2.34.log")),
        ] {
            let state = tempfile::tempdir().unwrap();
            let logs = LogDirectory::create(state.path()).unwrap();
            let events = Arc::new(Mutex::new(Vec::new()));
            let sink = events.clone();
            let context = Context::new().with_events(move |event| sink.lock().unwrap().push(event));
            let (runner, profile) = (Runner::default(), "x".parse().unwrap());
            let mut reported = Reported::new();
            let recorder = Recorder::new(logs.clone());
            let mut watch = Watch::new(&runner, recorder, &profile, &context, &mut reported);
            for line in log.lines() {
                watch.line(line);
            }
            let Watch { recorder, nix_output, .. } = watch;
            let failed = nix_output.texts().find(|text| text.contains("-fails.drv'")).unwrap();
            let fails = crate::classify::text::derivations(failed).next().unwrap();
            assert_eq!(recorder.last_lines(fails), ["it", "fails"], "{version}");
            let lines: Vec<(String, String)> = events
                .lock()
                .unwrap()
                .iter()
                .filter_map(|event| match event {
                    Event::Log { origin, line, .. } => Some((origin.clone(), line.clone())),
                    _ => None,
                })
                .collect();
            // The last text of a line that overwrote itself, without colours.
            for line in ["begin", "100%", "end"] {
                assert!(lines.contains(&("built".to_owned(), line.to_owned())), "{lines:?}");
            }
            let of_failed = String::from_utf8(recorder.finish(true).unwrap()).unwrap();
            assert_eq!(of_failed, format!("\n--- {fails}\nit\nfails\n"), "{version}");
        }
    }
}
