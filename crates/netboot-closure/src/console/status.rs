//! The sum of the lines of one boot.

use crate::boot_parameter::HttpUrl;
use crate::console::failure::Failure;
use crate::console::fetch_problem::FetchProblem;
use crate::console::line::ConsoleLine;
use crate::console::progress::{StoreProgress, StoreSummary};
use crate::console::short_digest::ShortDigest;
use crate::console::store_form::StoreForm;
use crate::console::warning::Warning;

/// The sum of the lines of one boot: the progress of stage 1.
///
/// ```
/// use netboot_closure::console::{ConsoleLine, ConsoleText, StoreProgress, StoreStatus};
///
/// let mut status = StoreStatus::default();
/// status.take(&ConsoleLine::Started { version: ConsoleText::new("0.1.0") });
/// let progress = StoreProgress { paths: 12, all_paths: 288, ..StoreProgress::default() };
/// status.take(&ConsoleLine::Progress { progress });
/// assert_eq!(status.progress.paths, 12);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[non_exhaustive]
pub struct StoreStatus {
    /// The digest of the index, once it is verified.
    #[cfg_attr(feature = "serde", serde(with = "crate::console::as_text::option"))]
    pub index: Option<ShortDigest>,
    /// The form of the store, once it is chosen.
    #[cfg_attr(feature = "serde", serde(with = "crate::console::as_text::option"))]
    pub form: Option<StoreForm>,
    /// The part of the closure that is there.
    pub progress: StoreProgress,
    /// The number of further tries.
    pub retries: u64,
    /// The problem that the last further try followed.
    #[cfg_attr(feature = "serde", serde(with = "crate::console::as_text::option"))]
    pub last_problem: Option<FetchProblem>,
    /// The sources that took over, the last 16 of them.
    #[cfg_attr(feature = "serde", serde(with = "crate::console::as_text::list"))]
    pub mirrors: Vec<HttpUrl>,
    /// The warnings, the last 16 of them.
    #[cfg_attr(feature = "serde", serde(with = "crate::console::as_text::list"))]
    pub warnings: Vec<Warning>,
    /// The work for the whole closure, once it is there.
    pub summary: Option<StoreSummary>,
    /// The last word, if stage 1 failed. Its serialised form is its text and its remedy.
    #[cfg_attr(feature = "serde", serde(with = "crate::console::as_text::failure"))]
    pub failure: Option<Failure>,
}

impl StoreStatus {
    /// Takes the next line into account. A line of a new start forgets the lines before it.
    pub fn take(&mut self, line: &ConsoleLine) {
        match line {
            ConsoleLine::Started { .. } => *self = Self::default(),
            ConsoleLine::Index { digest, paths, bytes, unpacked_bytes: _ } => {
                self.index = Some(*digest);
                let (all_paths, all_bytes) = (*paths, *bytes);
                self.progress = StoreProgress { all_paths, all_bytes, ..StoreProgress::default() };
                (self.summary, self.failure) = (None, None);
            }
            ConsoleLine::Memory { form, .. } => self.form = Some(*form),
            ConsoleLine::Progress { progress } => self.progress = *progress,
            ConsoleLine::Retry { problem, .. } => {
                self.retries += 1;
                self.last_problem = Some(problem.clone());
            }
            ConsoleLine::Mirror { to, .. } => remember(&mut self.mirrors, to),
            ConsoleLine::Warning { warning } => remember(&mut self.warnings, warning),
            ConsoleLine::Finished { summary } => {
                let StoreSummary { paths, from_network, from_disk, retries, .. } = *summary;
                let StoreProgress { all_bytes, .. } = self.progress;
                self.progress = StoreProgress {
                    paths,
                    all_paths: paths,
                    bytes: all_bytes,
                    all_bytes,
                    from_network,
                    from_disk,
                };
                self.retries = retries;
                self.summary = Some(*summary);
            }
            ConsoleLine::Failed { failure } => self.failure = Some(failure.clone()),
        }
    }
}

/// The number of mirrors, and of warnings, that are remembered. A console is endless.
const REMEMBERED: usize = 16;

fn remember<T: Clone>(items: &mut Vec<T>, item: &T) {
    if items.len() == REMEMBERED {
        items.remove(0);
    }
    items.push(item.clone());
}
