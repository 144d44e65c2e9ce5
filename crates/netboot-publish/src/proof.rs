//! The results of booting the images of a release before it goes live.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use foreign_text::ForeignText;
use netboot_core::{ProfileName, ReleaseId, counted};
use netboot_process::LastLines;
use serde::Serialize;

use crate::receipt::Receipt;

/// The longest kept text of a console, in bytes.
const CONSOLE_LIMIT: usize = 8 << 20;

/// The result of booting an image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an image comes up or does not")]
pub enum Verdict {
    /// The image came up.
    CameUp(Proof),
    /// The image did not come up.
    Failed(FailedProof),
}

/// Evidence that an image came up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Proof {
    /// The observation, in one line.
    pub summary: ForeignText,
    /// The text of the console.
    pub console: String,
}

impl Proof {
    /// Makes a proof that an image came up; `summary` says in one line what was observed.
    ///
    /// Both texts are made safe to show as [`ForeignText`] does, so that the console of a machine
    /// cannot control an operator's terminal. The first 8 MiB of the console are kept.
    pub fn new(summary: impl Into<String>, console: impl Into<String>) -> Self {
        let console = ForeignText::document(console.into(), CONSOLE_LIMIT);
        Self { summary: ForeignText::line(summary.into()), console }
    }
}

/// The reason why an image did not come up. `Display` adds the last lines of the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FailedProof {
    /// The problem, in one line.
    pub problem: ForeignText,
    /// The last lines of the console, at most twenty.
    pub last_lines: Vec<ForeignText>,
    /// Tells an operator what to do.
    pub hint: Option<String>,
}

impl FailedProof {
    /// Makes a failure; `problem` says in one line why the image did not come up. Keeps the last
    /// lines of `console` that are not empty, and makes them safe to show as [`Proof::new`] does.
    pub fn new(problem: impl Into<String>, console: &str) -> Self {
        let last_lines = LastLines::of(console).into();
        Self { problem: ForeignText::line(problem.into()), last_lines, hint: None }
    }

    /// Sets the hint, a sentence that tells an operator what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for FailedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem)?;
        let shown = |line: &ForeignText| write!(f, "{}{line}", ForeignText::LINE_BREAK);
        self.last_lines.iter().try_for_each(shown)
    }
}

/// Evidence that every image that the prover tried came up. `Display` shows a line for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProofReport {
    /// The release.
    pub release: ReleaseId,
    /// The images that came up.
    pub proofs: BTreeMap<ProfileName, Proof>,
    /// The images that the prover did not try.
    pub untried: BTreeSet<ProfileName>,
}

impl fmt::Display for ProofReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tried, untried) = (self.proofs.len(), self.untried.len());
        write!(f, "release {}: {} came up", self.release.short(), counted(tried, "image"))?;
        if untried > 0 {
            write!(f, ", {untried} not tried")?;
        }
        let summary =
            |(profile, proof): (&ProfileName, &Proof)| (profile.clone(), proof.summary.clone());
        for (profile, summary) in self.proofs.iter().map(summary) {
            write!(f, "\n{profile}: {summary}")?;
        }
        self.untried.iter().try_for_each(|profile| write!(f, "\n{profile}: not tried"))
    }
}

/// The result of publishing a release after its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProvenReceipt {
    /// The result of publishing.
    pub receipt: Receipt,
    /// The evidence that the images came up.
    pub proof: ProofReport,
}

impl fmt::Display for ProvenReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.proof, self.receipt)
    }
}

/// Shows failures, a line for each, followed by its console.
pub(crate) fn show_failures(failures: &BTreeMap<ProfileName, FailedProof>) -> String {
    let failure =
        |(profile, failure): (&ProfileName, &FailedProof)| format!("{profile}: {failure}");
    failures.iter().map(failure).collect::<Vec<_>>().join("\n")
}
