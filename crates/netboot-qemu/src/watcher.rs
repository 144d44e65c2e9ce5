//! Follows a boot on the console.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::boot_messages;
use crate::boot_outcome::BootOutcome;
use crate::boot_stage::BootStage;
use crate::expectations::{Expectations, has_words};
use crate::fetch::{self, Fetch};
use crate::firmware::Firmware;
use crate::key_presses::KeyPresses;
use crate::store_watch::StoreWatch;
use crate::system_messages::is_system_failing;
use crate::terminal::{Shown, Terminal};
use crate::transcript::Transcript;

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
            self.fetched.extend(fetch::parse_unfinished(&self.last_line));
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
        if let Some(fetch) = fetch::parse(line) {
            self.note_fetch(fetch, time);
        } else if boot_messages::is_firmware_giving_up(line, self.expectations.boots_disk) {
            self.outcome.get_or_insert(BootOutcome::FirmwareGaveUp { line: line.to_owned() });
        }
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
        self.fetched.push(fetch);
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
mod tests {
    use super::*;

    #[test]
    fn emergency_mode_is_a_failure_unless_it_is_allowed() {
        // The console of a NixOS with `loglevel=4`, as systemd 262 prints it.
        let lines = [
            "boot... ok",
            "\u{1b}[0;1;39mBooting initrd of NixOS 26.11 (Zokor) (Initrd).\u{1b}[0m",
            "[\u{1b}[0;1;31m TIME \u{1b}[0m] Timed out waiting for device \u{1b}[0;1;39m/dev/sda\u{1b}[0m.",
            "You are in \u{1b}[0;1;31memergency mode\u{1b}[0m. After logging in, type \"journalctl -xb\"",
            "nixos login: ",
        ];
        let markers = vec!["login:".to_owned()];
        let expectations = Expectations { markers, ..Expectations::default() };
        let watcher = watch(expectations.clone(), &lines);
        assert!(
            matches!(&watcher.outcome, Some(BootOutcome::SystemFailed { line })
                if line.starts_with("You are in emergency mode")),
            "{:?}",
            watcher.outcome
        );
        assert!(watcher.stages.contains_key(&BootStage::InitReached));
        let allowed = Expectations { allows_emergency_mode: true, ..expectations };
        assert_eq!(watch(allowed, &lines).outcome, Some(BootOutcome::Succeeded));
    }

    /// Feeds lines, one per second.
    fn watch(expectations: Expectations, lines: &[&str]) -> Watcher {
        let mut watcher = Watcher::new(expectations, "http://10.0.2.2/boot", None);
        let mut terminal = Watcher::terminal(Firmware::Bios);
        for (second, line) in (1..).zip(lines) {
            let time = Duration::from_secs(second);
            terminal.feed(format!("{line}\r\n").as_bytes(), &mut |terminal, shown| {
                watcher.take(shown, time, terminal);
            });
        }
        watcher
    }

    fn stages(lines: &[&str]) -> Vec<(BootStage, u64)> {
        let watcher = watch(Expectations::default(), lines);
        watcher.stages.into_iter().skip(1).map(|(stage, time)| (stage, time.as_secs())).collect()
    }

    #[test]
    fn files_are_told_apart_by_their_place() {
        let lines = ["http://10.0.2.2/boot... ok", "blobs/ab... ok", "blobs/cd... ok"];
        let expected = [(BootStage::Script, 1), (BootStage::Kernel, 2), (BootStage::Initrd, 3)];
        assert_eq!(stages(&lines), expected);
    }

    #[test]
    fn files_are_told_apart_by_their_name() {
        let lines = ["boot... ok", "menu.ipxe... ok", "x/initrd?v=1... ok", "x/bzImage... ok"];
        let expected = [(BootStage::Script, 1), (BootStage::Kernel, 4), (BootStage::Initrd, 3)];
        assert_eq!(stages(&lines), expected);
    }

    #[test]
    fn an_ipxe_that_ipxe_loads_is_no_script() {
        let lines = ["tftp://10.0.0.1/undionly.kpxe... ok", "http://10.0.0.1/x... ok"];
        assert_eq!(stages(&lines), [(BootStage::Script, 2)]);
    }

    #[test]
    fn a_file_that_did_not_arrive_is_no_stage() {
        let lines = ["boot... ok", "blobs/ab... Connection timed out (http://ipxe.org/4c0a6092)"];
        assert_eq!(stages(&lines), [(BootStage::Script, 1)]);
    }

    #[test]
    fn a_kernel_that_runs_was_fetched() {
        let lines = ["boot... ok", "other.ipxe... ok", "", "[    0.000000] Linux version 6.1.0"];
        let expected =
            [(BootStage::Script, 1), (BootStage::Kernel, 2), (BootStage::KernelStarted, 4)];
        assert_eq!(stages(&lines), expected);
    }

    #[test]
    fn only_an_address_is_dhcp() {
        assert_eq!(stages(&["net0: 10.0.2.15/255.255.255.0 gw 10.0.2.2"]), [(BootStage::Dhcp, 1)]);
        for line in [
            "net0: 52:54:00:12:34:56 using virtio-net on 0000:00:02.0 (open)",
            "net0: fe80::5054:ff:fe12:3456/64",
            "net0: 0.0.0.0/0.0.0.0",
            "Configuring (net0 52:54:00:12:34:56)......",
        ] {
            assert_eq!(stages(&[line]), [], "{line}");
        }
    }

    #[test]
    fn markers_come_in_any_order_and_all_are_needed() {
        let markers = vec!["one".to_owned(), "two".to_owned()];
        let expectations = Expectations { markers, ..Expectations::default() };
        let watcher = watch(expectations.clone(), &["has two"]);
        assert_eq!((watcher.missing(), watcher.outcome), (vec!["one".to_owned()], None));
        let watcher = watch(expectations, &["has two", "has one"]);
        assert_eq!(watcher.outcome, Some(BootOutcome::Succeeded));
    }

    #[test]
    fn without_a_marker_init_is_success() {
        let banner = "[    0.000000] Linux version 6.1.0";
        for line in [
            "[    2.1] Run /init as init process",
            "<<< NixOS Stage 1 >>>",
            "Booting initrd of NixOS.",
        ] {
            let watcher = watch(Expectations::default(), &["boot... ok", banner]);
            assert_eq!(watcher.outcome, None);
            let watcher = watch(Expectations::default(), &["boot... ok", banner, line]);
            assert_eq!(watcher.reached(), BootStage::InitReached);
            assert_eq!(watcher.outcome, Some(BootOutcome::Succeeded));
        }
    }

    #[test]
    fn a_prompt_that_no_line_end_follows_is_a_failure_too() {
        let failures = vec!["password".to_owned()];
        let expectations = Expectations { failures, ..Expectations::default() };
        let mut watcher = Watcher::new(expectations, "http://10.0.2.2/boot", None);
        let mut terminal = Watcher::terminal(Firmware::Bios);
        let parts: [&[u8]; 3] = [b"Give root password", b" for maintenance: ", b"x\r\nnext\r\n"];
        for (part, expected) in parts.into_iter().zip([
            "Give root password",
            "Give root password for maintenance:",
            "Give root password for maintenance: x",
        ]) {
            let mut take = |terminal: &mut Terminal, shown: Shown<'_>| {
                watcher.take(shown, Duration::ZERO, terminal);
            };
            terminal.feed(part, &mut take);
            let line = expected.to_owned();
            assert_eq!(watcher.outcome, Some(BootOutcome::FailureSeen { line }));
        }
    }

    #[test]
    fn a_line_with_a_marker_and_a_failure_is_a_failure() {
        let (markers, failures) = (vec!["tests".to_owned()], vec!["FAILED".to_owned()]);
        let expectations = Expectations { markers, failures, ..Expectations::default() };
        let watcher = watch(expectations, &["tests FAILED"]);
        let line = "tests FAILED".to_owned();
        assert_eq!(watcher.outcome, Some(BootOutcome::FailureSeen { line }));
    }
}
