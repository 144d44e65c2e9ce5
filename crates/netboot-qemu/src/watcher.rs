//! Follows a boot on the console.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::boot_messages;
use crate::boot_outcome::BootOutcome;
use crate::boot_stage::BootStage;
use crate::expectations::{Expectations, has_words};
use crate::fetch::{self, Fetch};
use crate::firmware::Firmware;
use crate::firmware_watch::{FirmwareWatch, Heard};
use crate::key_presses::KeyPresses;
use crate::refusal::Refusal;
use crate::store_watch::StoreWatch;
use crate::system_messages::is_system_failing;
use crate::terminal::{Shown, Terminal};
use crate::transcript::Transcript;

/// The number of fetches that a report has at most. A machine that prints forever must not fill the
/// memory.
const FETCH_LIMIT: usize = 100;

/// Follows one boot, and determines its stages and its outcome.
#[derive(Debug)]
pub(crate) struct Watcher {
    expectations: Expectations,
    /// The script of Netboot that chains to the URL. It does not count as a fetch.
    hidden_script: Option<String>,
    url: String,
    transcript: Transcript,
    seen: Vec<bool>,
    presses: KeyPresses,
    pub(crate) stages: BTreeMap<BootStage, Duration>,
    pub(crate) fetched: Vec<Fetch>,
    firmware: FirmwareWatch,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) locked_down: bool,
    pub(crate) store: StoreWatch,
    last_line: String,
    /// The time of the last successful fetch.
    last_fetch: Option<Duration>,
    pub(crate) outcome: Option<BootOutcome>,
    /// True if the line that decided the outcome is incomplete.
    failure_is_partial: bool,
}

impl Watcher {
    pub(crate) fn new(
        expectations: Expectations,
        url: &str,
        hidden_script: Option<String>,
    ) -> Self {
        Self {
            seen: vec![false; expectations.markers.len()],
            presses: KeyPresses::new(expectations.presses.clone()),
            expectations,
            hidden_script,
            url: url.to_owned(),
            transcript: Transcript::default(),
            stages: BTreeMap::from([(BootStage::Started, Duration::ZERO)]),
            fetched: Vec::new(),
            firmware: FirmwareWatch::default(),
            refusals: Vec::new(),
            locked_down: false,
            store: StoreWatch::default(),
            last_line: String::new(),
            last_fetch: None,
            outcome: None,
            failure_is_partial: false,
        }
    }

    /// Creates a terminal for the console of a firmware.
    pub(crate) fn terminal(firmware: Firmware) -> Terminal {
        let mut terminal = Terminal::new();
        terminal.join_wrapped_lines(firmware == Firmware::Bios);
        terminal
    }

    /// Processes a line of the console. `time` is the time since the start.
    pub(crate) fn take(&mut self, shown: Shown<'_>, time: Duration, terminal: &mut Terminal) {
        let (Shown::Partial(line) | Shown::Finished(line)) = shown;
        self.presses.take(shown);
        if self.reached() < BootStage::KernelStarted {
            self.watch_firmware(line, matches!(shown, Shown::Finished(_)), time);
            if boot_messages::is_linux_starting(line) {
                self.kernel_started(time);
                terminal.join_wrapped_lines(false);
            }
        }
        let init_runs = match &self.expectations.init_marker {
            Some(marker) => has_words(line, marker, matches!(shown, Shown::Finished(_))),
            None => boot_messages::is_init_running(line),
        };
        if init_runs {
            // A kernel with `quiet` prints nothing before this.
            self.kernel_started(time);
            self.reach(BootStage::InitReached, time);
        }
        self.watch_store(shown, time);
        // Failures come before markers: a line with both is a failure.
        self.watch_failures(shown, time);
        self.watch_markers(shown, time);
        if let Shown::Finished(line) = shown {
            Refusal::note(&mut self.refusals, line);
            self.locked_down |= boot_messages::is_lockdown(line);
            self.transcript.push(line);
        }
        self.last_line = match shown {
            Shown::Partial(line) => line.to_owned(),
            Shown::Finished(_) => String::new(),
        };
    }

    /// Returns the last stage so far.
    pub(crate) fn reached(&self) -> BootStage {
        self.stages.keys().next_back().copied().unwrap_or(BootStage::Started)
    }

    /// Returns the markers that were not seen, in the caller's order.
    pub(crate) fn missing(&self) -> Vec<String> {
        let markers = self.expectations.markers.iter().zip(&self.seen);
        markers.filter(|(_, seen)| !**seen).map(|(marker, _)| marker.clone()).collect()
    }

    /// Returns the keys that have become due since the last call.
    pub(crate) fn take_due_keys(&mut self) -> Vec<String> {
        self.presses.take_due()
    }

    /// Records the unfinished fetch in the last line when the console ends.
    pub(crate) fn note_unfinished(&mut self) {
        if self.reached() < BootStage::KernelStarted {
            let of_ipxe = fetch::parse_unfinished(&self.last_line);
            let of_firmware = self.firmware.take_unfinished();
            of_ipxe.into_iter().chain(of_firmware).for_each(|fetch| self.add_fetch(fetch));
        }
    }

    /// Returns the text of the console.
    pub(crate) fn take_transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript).into_text()
    }

    fn reach(&mut self, stage: BootStage, time: Duration) {
        self.stages.entry(stage).or_insert(time);
    }

    fn watch_firmware(&mut self, line: &str, finished: bool, time: Duration) {
        if boot_messages::is_address(line) {
            self.reach(BootStage::Dhcp, time);
        }
        if !finished {
            return;
        }
        match self.firmware.take(line) {
            Some(Heard::Address) => self.reach(BootStage::Dhcp, time),
            Some(Heard::Started) => {
                self.reach(BootStage::Program, time);
                // The firmware verified the program since the fetch.
                self.last_fetch = Some(time);
            }
            Some(Heard::Fetched(fetch)) => self.note_program(fetch, line, time),
            None => {}
        }
        if let Some(fetch) = fetch::parse(line) {
            self.note_fetch(fetch, time);
        } else if boot_messages::is_firmware_giving_up(line, self.expectations.boots_disk) {
            self.outcome.get_or_insert(BootOutcome::FirmwareGaveUp { line: line.to_owned() });
        }
    }

    fn note_program(&mut self, fetch: Fetch, line: &str, time: Duration) {
        if fetch.succeeded() {
            self.last_fetch = Some(time);
        } else if !self.expectations.boots_disk {
            // The firmware would try other versions of IP for minutes.
            self.outcome.get_or_insert(BootOutcome::FirmwareGaveUp { line: line.to_owned() });
        }
        self.add_fetch(fetch);
    }

    /// Adds a fetch. In a full list, it takes the place of the last one.
    fn add_fetch(&mut self, fetch: Fetch) {
        self.fetched.truncate(FETCH_LIMIT - 1);
        self.fetched.push(fetch);
    }

    fn note_fetch(&mut self, fetch: Fetch, time: Duration) {
        // Under UEFI, iPXE 2.0 names files of its drive by `file:` URLs.
        let file = fetch.url.strip_prefix("file:").unwrap_or(&fetch.url);
        let file = file.strip_prefix('/').unwrap_or(file);
        if self.hidden_script.as_deref() == Some(file) {
            return;
        }
        if fetch.succeeded() {
            self.last_fetch = Some(time);
            // A file that is fetched again does not reach another stage.
            let is_new = !self.fetched.iter().any(|f| f.succeeded() && f.url == fetch.url);
            if is_new && !boot_messages::is_boot_program(&fetch.url) {
                self.reach(self.stage_of(&fetch.url), time);
            }
        }
        self.add_fetch(fetch);
    }

    /// Returns the stage that a fetched file belongs to: by its name, or else by its order.
    fn stage_of(&self, url: &str) -> BootStage {
        if !self.stages.contains_key(&BootStage::Script) || url == self.url {
            return BootStage::Script;
        }
        boot_messages::named_stage(url).unwrap_or(if self.stages.contains_key(&BootStage::Kernel) {
            BootStage::Initrd
        } else {
            BootStage::Kernel
        })
    }

    fn kernel_started(&mut self, time: Duration) {
        // A running kernel was fetched, whatever its name was.
        let fetched = self.last_fetch.unwrap_or(time);
        self.reach(BootStage::Kernel, fetched);
        self.reach(BootStage::KernelStarted, time);
    }

    fn watch_store(&mut self, shown: Shown<'_>, time: Duration) {
        let Shown::Finished(line) = shown else { return };
        let Some(stage) = self.store.take(line) else { return };
        // Stage 1 runs below the initrd's `init`.
        self.kernel_started(time);
        self.reach(BootStage::InitReached, time);
        self.reach(BootStage::StoreStarted, time);
        self.reach(stage, time);
        if self.store.failed() {
            self.outcome.get_or_insert(BootOutcome::StoreFailed { line: line.to_owned() });
        }
    }

    fn watch_markers(&mut self, shown: Shown<'_>, time: Duration) {
        let (Shown::Partial(line) | Shown::Finished(line)) = shown;
        let is_finished = matches!(shown, Shown::Finished(_));
        for (marker, seen) in self.expectations.markers.iter().zip(&mut self.seen) {
            *seen = *seen || has_words(line, marker, is_finished);
        }
        let markers = !self.seen.is_empty() && self.seen.iter().all(|seen| *seen);
        if markers {
            self.reach(BootStage::MarkersSeen, time);
        }
        let has = |stage| self.stages.contains_key(&stage);
        let without_markers = self.seen.is_empty() && has(BootStage::InitReached);
        let store = !self.expectations.store || has(BootStage::StoreComplete);
        if store && (markers || without_markers) {
            self.outcome.get_or_insert(BootOutcome::Succeeded);
        }
    }

    fn watch_failures(&mut self, shown: Shown<'_>, time: Duration) {
        let (Shown::Partial(line) | Shown::Finished(line)) = shown;
        let is_finished = matches!(shown, Shown::Finished(_));
        // The first part of a line decided the outcome. The report has the whole line.
        if let Some(
            BootOutcome::FailureSeen { line: begin } | BootOutcome::SystemFailed { line: begin },
        ) = &mut self.outcome
            && self.failure_is_partial
            && line.starts_with(begin.as_str())
        {
            line.clone_into(begin);
            self.failure_is_partial = !is_finished;
        }
        if self.outcome.is_some() {
            return;
        }
        if is_finished && boot_messages::is_panic(line) {
            self.kernel_started(time);
            self.outcome = Some(BootOutcome::Panicked { line: line.to_owned() });
        } else if !self.expectations.allows_emergency_mode && is_system_failing(line) {
            self.kernel_started(time);
            self.reach(BootStage::InitReached, time);
            self.outcome = Some(BootOutcome::SystemFailed { line: line.to_owned() });
            self.failure_is_partial = !is_finished;
        } else if self.expectations.failures.iter().any(|text| line.contains(text.as_str())) {
            self.outcome = Some(BootOutcome::FailureSeen { line: line.to_owned() });
            self.failure_is_partial = !is_finished;
        }
    }
}

#[cfg(test)]
mod tests;
