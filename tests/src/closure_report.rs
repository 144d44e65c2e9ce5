//! The messages on a machine's console about its closure.

use netboot_closure::console::{Failure, StoreStatus, StoreSummary};
use netboot_qemu::{BootOutcome, BootReport, BootStage};
use sha2::{Digest, Sha256};

use crate::packed_system::PackedSystem;

/// A boot that should assemble a system.
#[derive(Debug)]
pub struct ClosureReport {
    /// The report.
    pub report: BootReport,
}

impl ClosureReport {
    /// Prints the report of a boot, and keeps it.
    pub fn new(report: BootReport) -> Self {
        let boot = Self { report };
        crate::print(&boot.summary());
        boot
    }

    /// The stages and the lines, for people.
    fn summary(&self) -> String {
        let told = |line: &&str| line.contains("netboot | ") || line.starts_with("CLOSURE-");
        let lines: Vec<_> = self.report.console.lines().filter(told).collect();
        format!("{}\n  {}", self.report, lines.join("\n  "))
    }

    /// Asserts that the system came up with exactly this closure, and returns what it took.
    pub fn assembled(&self, packed: &PackedSystem, generation: &str) -> StoreSummary {
        let console = &self.report.console;
        self.report.ensure_success().unwrap_or_else(|error| panic!("{error}\n{console}"));
        assert_eq!(self.report.stages.len(), 11, "{}", self.report);
        assert!(self.report.stages.contains_key(&BootStage::MarkersSeen), "{}", self.report);
        let registration = Sha256::digest(packed.registration());
        let paths = packed.index.entries().len();
        for line in [
            format!("CLOSURE-GENERATION {generation}"),
            format!("CLOSURE-PATHS {paths}"),
            format!("CLOSURE-REGISTRATION {registration:x}"),
        ] {
            assert!(console.contains(&line), "no `{line}` in:\n{console}");
        }
        let summary = self.status().summary.unwrap_or_else(|| panic!("never finished:\n{console}"));
        assert_eq!(summary.paths, paths as u64, "{console}");
        summary
    }

    /// Asserts that the machine gave up, and returns its last word.
    pub fn failure(&self) -> Failure {
        let console = &self.report.console;
        assert!(!console.contains("CLOSURE-READY"), "the system came up:\n{console}");
        let failure = self.status().failure.clone();
        let failure = failure.unwrap_or_else(|| panic!("no last word:\n{console}"));
        let has_failed = matches!(self.report.outcome, BootOutcome::StoreFailed { .. });
        assert!(has_failed, "{}", self.report);
        let error = self.report.ensure_success().unwrap_err();
        assert_eq!(error.hint().as_deref(), Some(failure.hint().as_str()), "{error}");
        failure
    }

    /// The messages of stage 1 about the store.
    pub fn status(&self) -> &StoreStatus {
        let console = &self.report.console;
        self.report.store.as_ref().unwrap_or_else(|| panic!("nothing of the store:\n{console}"))
    }

    /// The text on the console after `name`, the first word of a line of the system.
    pub fn said(&self, name: &str) -> &str {
        let mut lines = self.report.console.lines();
        let said = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        said.unwrap_or_else(|| panic!("no {name} in:\n{}", self.report.console))
    }
}
