//! The outcome of a release at each site, for people.

use std::fmt::{self, Write as _};

use netboot_core::{SiteName, counted};

use crate::error::{Error, SiteOutcome, SitesReport};

impl fmt::Display for SiteOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(receipt) => receipt.fmt(f),
            Self::Staged(staged) => write!(f, "staged, not live; {staged}"),
            Self::RolledBack(_) => f.write_str("rolled back"),
            Self::Failed(error) => write!(f, "failed: {}", with_causes(error)),
            Self::NotRolledBack(error) => {
                write!(f, "could not be rolled back: {}", with_causes(error))
            }
        }
    }
}

/// Shows an error with its causes in one line, since a report is shown without a separate list of
/// causes.
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    #[cfg(feature = "s3")]
    if matches!(error, Error::S3 { .. }) {
        // Its text has the reason already, and its source is the server's answer.
        return text;
    }
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text.replace('\n', " ")
}

impl SitesReport {
    /// The sites where the release is live.
    pub fn live(&self) -> impl Iterator<Item = &SiteName> {
        let is_live = |outcome: &SiteOutcome| matches!(outcome, SiteOutcome::Live(_));
        self.sites.iter().filter(move |(_, outcome)| is_live(outcome)).map(|(site, _)| site)
    }

    /// The sites where the release is staged, and not live.
    pub fn staged(&self) -> impl Iterator<Item = &SiteName> {
        let is_staged = |outcome: &SiteOutcome| matches!(outcome, SiteOutcome::Staged(_));
        self.sites.iter().filter(move |(_, outcome)| is_staged(outcome)).map(|(site, _)| site)
    }

    /// The errors, by site.
    pub fn errors(&self) -> impl Iterator<Item = (&SiteName, &Error)> {
        self.sites.iter().filter_map(|(site, outcome)| match outcome {
            SiteOutcome::Failed(error) | SiteOutcome::NotRolledBack(error) => Some((site, error)),
            SiteOutcome::Live(_) | SiteOutcome::Staged(_) | SiteOutcome::RolledBack(_) => None,
        })
    }

    /// Fails unless the release is live at every site.
    ///
    /// # Errors
    /// [`Error::NotLiveEverywhere`], with this report.
    pub fn ensure_live_everywhere(self) -> Result<Self, Error> {
        if self.live().count() == self.sites.len() {
            Ok(self)
        } else {
            Err(Error::NotLiveEverywhere(Box::new(self)))
        }
    }

    /// Fails unless the release is staged at every site, for a report of [`Sites::stage`].
    ///
    /// [`Sites::stage`]: crate::Sites::stage
    ///
    /// # Errors
    /// [`Error::NotStagedEverywhere`], with this report.
    pub fn ensure_staged_everywhere(self) -> Result<Self, Error> {
        if self.errors().next().is_none() {
            Ok(self)
        } else {
            Err(Error::NotStagedEverywhere(Box::new(self)))
        }
    }

    /// Returns a remedy for the worst outcome, as a sentence for an operator: first of a site that
    /// may be live although no site should be, then of the first site that failed.
    pub fn hint(&self) -> Option<String> {
        let stuck = self.sites.iter().find_map(|(site, outcome)| match outcome {
            SiteOutcome::NotRolledBack(error) => Some((site, error)),
            _ => None,
        });
        if let Some((site, error)) = stuck {
            let cause = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            let hint = "the release may be live at this target only: check, then roll it back or \
                        publish again";
            return Some(format!("{site}: {hint}{cause}"));
        }
        let hint = |(site, error): (&SiteName, &Error)| Some(format!("{site}: {}", error.hint()?));
        self.errors().find_map(hint)
    }
}

impl fmt::Display for SitesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = counted(self.sites.len(), "target");
        let (count, state) = if self.is_staging {
            (self.staged().count(), "staged")
        } else {
            (self.live().count(), "live")
        };
        write!(f, "release {} is {state} at {count} of {all}", self.release.short())?;
        self.sites.iter().try_for_each(|(site, outcome)| match outcome {
            // A release that was only staged need not be live.
            SiteOutcome::Staged(staged) if self.is_staging => {
                write!(f, "\n{site}: staged; {staged}")
            }
            _ => write!(f, "\n{site}: {outcome}"),
        })
    }
}
