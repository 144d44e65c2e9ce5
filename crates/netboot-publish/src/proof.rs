//! What has to be shown of a release before it goes live.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use netboot_core::{Context, ImageManifest, ProfileName, ReleaseId, ReleasePath, layout};
use serde::Serialize;

use crate::{Error, Receipt, Store};

/// How many lines of a console a failure keeps.
const LAST_LINES: usize = 20;

/// An image of a release that is staged and perhaps not live: all that is needed to boot it from
/// where it lies.
#[derive(Debug, Clone)]
pub struct StagedImage {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) release: ReleaseId,
    pub(crate) profile: ProfileName,
    pub(crate) image: ImageManifest,
}

impl StagedImage {
    /// The store that it lies in. Where that is served by nobody whom a test machine reaches, a
    /// prover can serve it itself, from [`Store::open`].
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The release.
    pub fn release(&self) -> &ReleaseId {
        &self.release
    }

    /// The profile.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    /// How the image starts, and what it consists of.
    pub fn image(&self) -> &ImageManifest {
        &self.image
    }

    /// The script that boots it, below the target's root: `releases/<id>/<profile>/netboot.ipxe`.
    pub fn script(&self) -> ReleasePath {
        layout::in_release(&self.release, &layout::profile_script(&self.profile))
    }
}

/// Finds out whether a staged image comes up: in a virtual machine, or on a rack kept for that.
///
/// [`Publisher::publish_proven`](crate::Publisher::publish_proven) asks it before it makes a
/// release live. The examples have one that boots in QEMU.
///
/// # Contract
/// `prove` changes nothing at the target. It ends soon when the context is cancelled or its future
/// is dropped, and nothing that it started goes on after it. That an image does not come up is a
/// [`Verdict`], not an error; an error says that it could not be tried.
///
/// ```
/// use async_trait::async_trait;
/// use netboot_core::Context;
/// use netboot_publish::{
///     Error, FailedProof, MemoryStore, Proof, Prover, Publisher, StagedImage, Verdict,
/// };
/// # use netboot_publish::contract::sample_release;
///
/// /// Takes an image for good if its kernel has a console on the serial port; a real prover boots
/// /// `image.script()`.
/// #[derive(Debug)]
/// struct HasSerialConsole;
///
/// #[async_trait]
/// impl Prover for HasSerialConsole {
///     async fn prove(&self, image: &StagedImage, context: &Context) -> Result<Verdict, Error> {
///         context.check()?;
///         let parameters = image.image().boot.kernel_parameters();
///         let has_console = parameters.iter().any(|one| one.as_str().starts_with("console=ttyS"));
///         Ok(if has_console {
///             Verdict::CameUp(Proof::new("it talks on its serial port", ""))
///         } else {
///             Verdict::Failed(FailedProof::new("it has no serial console", ""))
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let release = sample_release("one");
/// let publisher = Publisher::new(MemoryStore::new());
/// let published = publisher.publish_proven(&release, &HasSerialConsole, &Context::new()).await;
/// # let is_live = publisher.live().await?.is_some();
/// assert_eq!(published.is_ok(), is_live); // what did not come up is staged, and not live
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Prover: fmt::Debug + Send + Sync {
    /// Whether the image has to come up. One of an architecture that there is no machine for
    /// cannot be asked to; the report tells which were not tried.
    fn tries(&self, image: &StagedImage) -> bool {
        let _ = image;
        true
    }

    /// Boots the image.
    ///
    /// # Errors
    /// When it could not be tried: [`Error::prover`] makes one. [`Error::Cancelled`].
    async fn prove(&self, image: &StagedImage, context: &Context) -> Result<Verdict, Error>;
}

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
        write!(f, "release {}: {tried} images came up", self.release.short())?;
        if untried > 0 {
            write!(f, ", {untried} were not tried")?;
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
