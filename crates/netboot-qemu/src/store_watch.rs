//! Follows stage 1 while it fetches the store of a closure.

use netboot_closure::console::{ConsoleLine, StoreProgress, StoreStatus};

use crate::boot_stage::BootStage;

/// Collects the lines that stage 1 prints.
#[derive(Debug, Default)]
pub(crate) struct StoreWatch {
    status: Option<StoreStatus>,
    /// The progress that was reported. It never decreases, even if the machine starts again.
    reported: StoreProgress,
}

impl StoreWatch {
    /// Takes a line of the console into account, and returns the stage that it shows.
    pub(crate) fn take(&mut self, line: &str) -> Option<BootStage> {
        let line = ConsoleLine::parse(line)?;
        self.status.get_or_insert_default().take(&line);
        Some(match line {
            ConsoleLine::Index { .. }
            | ConsoleLine::Memory { .. }
            | ConsoleLine::Progress { .. } => BootStage::IndexVerified,
            ConsoleLine::Finished { .. } => BootStage::StoreComplete,
            _ => BootStage::StoreStarted,
        })
    }

    /// Returns true if stage 1 gave up.
    pub(crate) fn failed(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.failure.is_some())
    }

    /// Returns what the lines say together, if there were any.
    pub(crate) fn status(&self) -> Option<&StoreStatus> {
        self.status.as_ref()
    }

    /// Returns the progress if it is greater than the last time.
    pub(crate) fn take_progress(&mut self) -> Option<StoreProgress> {
        let progress = self.status.as_ref()?.progress;
        let is_more = (progress.paths, progress.bytes) > (self.reported.paths, self.reported.bytes)
            && progress.bytes >= self.reported.bytes;
        is_more.then(|| self.reported = progress)?;
        Some(progress)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use netboot_closure::console::{
        ConsoleLine, ConsoleText, Failure, FailureCause, ROW_START, StoreForm, StoreProgress,
        StoreSummary,
    };

    use super::*;
    use crate::boot_outcome::BootOutcome;
    use crate::expectations::Expectations;
    use crate::firmware::Firmware;
    use crate::watcher::Watcher;

    /// The console of systemd's stage 1 until it starts to fetch. systemd shows a running job
    /// without a line end.
    const BEFORE: &str = "net0: 10.0.2.15/255.255.255.0 gw 10.0.2.2\r\n\
        http://10.0.2.2:8080/worker/netboot.ipxe... ok\r\n\
        http://10.0.2.2:8080/blobs/aa... ok\r\nhttp://10.0.2.2:8080/blobs/bb... ok\r\n\
        \x1bc\x1b[?7l\x1b[2J[    0.000000] Linux version 6.12.58\r\n\
        [   13.017201] systemd[1]: Successfully made /usr/ read-only.\r\n\r\n\
        Welcome to \x1b[0;38;2;126;186;228mNixOS 26.11 (Zokor)\x1b[0m!\r\n\r\n\
        [\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39mInitrd /etc\x1b[0m.\r\n\
        [\x1b[0;31m*\x1b[0;1;31m*\x1b[0m    ] Job netboot-closure.service/start running (2s / 3min)";

    fn started() -> ConsoleLine {
        ConsoleLine::Started { version: ConsoleText::new("0.1.0") }
    }

    fn progress(paths: u64) -> ConsoleLine {
        let (bytes, all_bytes) = (paths * 1000, 288_000);
        let progress = StoreProgress {
            paths,
            all_paths: 288,
            bytes,
            all_bytes,
            from_network: bytes,
            from_disk: 0,
        };
        ConsoleLine::Progress { progress }
    }

    fn failed() -> ConsoleLine {
        let (needed, available, form) = (826_000_000, 512_000_000, StoreForm::Tmpfs);
        let cause = FailureCause::MemoryTooSmall { needed, available, form };
        let available_memory = Some(available);
        ConsoleLine::Failed {
            failure: Failure { cause, card: None, address: None, available_memory },
        }
    }

    fn finished() -> ConsoleLine {
        let summary = StoreSummary { paths: 288, from_network: 288_000, ..StoreSummary::default() };
        ConsoleLine::Finished { summary }
    }

    /// Watches a console, which arrives in pieces of seven bytes.
    fn watch(expectations: Expectations, parts: &[String]) -> (Watcher, Vec<StoreProgress>) {
        let mut watcher = Watcher::new(expectations, "http://10.0.2.2:8080/x", None);
        let mut terminal = Watcher::terminal(Firmware::Bios);
        let mut reported = Vec::new();
        let console = format!("{BEFORE}{}", parts.concat());
        for (number, bytes) in (1..).zip(console.as_bytes().chunks(7)) {
            terminal.feed(bytes, &mut |terminal, shown| {
                watcher.take(shown, Duration::from_secs(number), terminal);
                reported.extend(watcher.store.take_progress());
            });
        }
        (watcher, reported)
    }

    fn row(line: &ConsoleLine) -> String {
        format!("{ROW_START}{line}\r\n")
    }

    #[test]
    fn a_boot_goes_through_the_stages_of_the_store() {
        let expectations = Expectations { store: true, ..Expectations::default() };
        let index = ConsoleLine::parse(
            "netboot | index ab00ab00ab00: 288 paths, 288,000 bytes to fetch, 589,000 unpacked \
             #42e7a0",
        );
        let parts = [
            row(&started()),
            row(&index.unwrap()),
            row(&progress(12)),
            // The kernel prints into one line, and a serial line loses a part of another.
            row(&progress(13)).replace(" of ", "[   31.000000] usb 1-1: new device\r\n of "),
            row(&progress(14))[9..].to_owned(),
            format!("[   33.000000] netboot-stage1[88]: {}\r\n", progress(15)),
            row(&finished()),
            "[   40.0] Run /init as init process\r\n".to_owned(),
        ];
        let (watcher, reported) = watch(expectations, &parts);
        assert_eq!(watcher.outcome, Some(BootOutcome::Succeeded));
        let stages: Vec<_> = watcher.stages.keys().copied().skip(4).collect();
        let expected = [
            BootStage::Initrd,
            BootStage::KernelStarted,
            BootStage::InitReached,
            BootStage::StoreStarted,
            BootStage::IndexVerified,
            BootStage::StoreComplete,
        ];
        assert_eq!(stages, expected);
        assert!(watcher.stages.values().is_sorted(), "{:?}", watcher.stages);
        let status = watcher.store.status().unwrap();
        assert_eq!(status.index.unwrap().to_string(), "ab00ab00ab00");
        assert_eq!(status.progress.from_network, 288_000);
        let paths: Vec<_> = reported.iter().map(|progress| progress.paths).collect();
        assert_eq!(paths, [12, 15, 288]);
    }

    #[test]
    fn a_boot_whose_store_is_expected_does_not_succeed_without_it() {
        let markers = vec!["login:".to_owned()];
        for (store, markers, parts, expected) in [
            (true, &[][..], vec![row(&started()), row(&progress(287))], None),
            (false, &[], vec![], Some(BootOutcome::Succeeded)),
            (true, &markers, vec!["login:\r\n".to_owned()], None),
            (true, &markers, vec![row(&finished())], None),
            (
                true,
                &markers,
                vec![row(&finished()), "login:".to_owned()],
                Some(BootOutcome::Succeeded),
            ),
        ] {
            let expectations =
                Expectations { store, markers: markers.to_vec(), ..Expectations::default() };
            assert_eq!(watch(expectations, &parts).0.outcome, expected, "{parts:?}");
        }
    }

    #[test]
    fn the_last_word_of_stage_1_ends_the_boot() {
        let expectations = Expectations { store: true, ..Expectations::default() };
        let parts = [row(&started()), row(&failed()), row(&finished())];
        let (watcher, _) = watch(expectations, &parts);
        let line = failed().to_string();
        assert_eq!(watcher.outcome, Some(BootOutcome::StoreFailed { line }));
        let failure = watcher.store.status().unwrap().failure.clone().unwrap();
        assert!(failure.hint().contains("300 MiB"), "{}", failure.hint());
    }

    #[test]
    fn progress_never_goes_back_when_the_machine_starts_again() {
        let parts = [12, 40, 3, 40, 41].map(|paths| row(&progress(paths)));
        let (watcher, reported) =
            watch(Expectations::default(), &[parts.concat(), row(&started()), row(&progress(1))]);
        let paths: Vec<_> = reported.iter().map(|progress| progress.paths).collect();
        assert_eq!(paths, [12, 40, 41]);
        assert_eq!(watcher.store.status().unwrap().progress.paths, 1);
    }
}
