//! What came of booting the images of a release before it goes live.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netboot_core::{ProfileName, ReleaseId, counted};
use serde::Serialize;

use crate::receipt::Receipt;

/// How many lines of a console a failure keeps.
const LAST_LINES: usize = 20;

/// What came of booting an image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an image comes up or does not")]
pub enum Verdict {
    /// It came up.
    CameUp(Proof),
    /// It did not.
    Failed(FailedProof),
}

/// How an image came up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Proof {
    /// What was seen, in a line.
    pub summary: String,
    /// The console's text.
    pub console: String,
}

impl Proof {
    /// An image came up: `summary` says in a line what was seen.
    ///
    /// Escape sequences and other control characters are taken out: an operator's terminal does
    /// not do what a machine's console says.
    pub fn new(summary: impl Into<String>, console: impl Into<String>) -> Self {
        Self { summary: printable(&summary.into()), console: printable(&console.into()) }
    }
}

/// Why an image did not come up. `Display` tells it with the last lines of the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FailedProof {
    /// What went wrong, in a line.
    pub problem: String,
    /// The console's last lines, at most twenty.
    pub last_lines: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl FailedProof {
    /// An image did not come up: `problem` says in a line why, and the last lines that say
    /// something of `console` are kept. Both lose their control characters, as in
    /// [`Proof::new`].
    pub fn new(problem: impl Into<String>, console: &str) -> Self {
        let console = printable(console);
        let lines: Vec<&str> = console.lines().filter(|line| !line.trim().is_empty()).collect();
        let last_lines = lines.iter().skip(lines.len().saturating_sub(LAST_LINES));
        let last_lines = last_lines.map(|line| (*line).to_owned()).collect();
        Self { problem: printable(&problem.into()), last_lines, hint: None }
    }

    /// The same with what to do about it, as a sentence for an operator.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for FailedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        self.last_lines.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

/// That every image of a release that was tried came up. `Display` tells it, a line for each.
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

/// What publishing a proven release did. `Display` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProvenReceipt {
    /// What was sent, and what became of the pointer.
    pub receipt: Receipt,
    /// That the release came up before.
    pub proof: ProofReport,
}

impl fmt::Display for ProvenReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.proof, self.receipt)
    }
}

/// The text without escape sequences and without control characters, but for the ends of lines.
fn printable(text: &str) -> String {
    // A carriage return goes back in its line or ends it, and a tab is a space.
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
    let mut text = strip_ansi_escapes::strip_str(text);
    text.retain(|character| character == '\n' || !character.is_control());
    text
}

/// The failures of an error, a line for each and its console below it.
pub(crate) fn failures(failures: &BTreeMap<ProfileName, FailedProof>) -> String {
    let failure =
        |(profile, failure): (&ProfileName, &FailedProof)| format!("{profile}: {failure}");
    failures.iter().map(failure).collect::<Vec<_>>().join("\n")
}
