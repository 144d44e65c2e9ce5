use std::collections::BTreeMap;
use std::fmt;

use netboot_core::{ReleaseId, SiteName};

use crate::{Error, Receipt, Staged};

/// What became of a release at one site.
#[derive(Debug)]
#[non_exhaustive]
pub enum SiteOutcome {
    /// It is live.
    Live(Receipt),
    /// It is staged and whole; what was live stays, since it did not go live elsewhere.
    Staged(Staged),
    /// It was live for a moment and is not any more, since it could not go live elsewhere.
    RolledBack(Receipt),
    /// It is not live here; what was live stays. It may be staged, or in part.
    Failed(Error),
    /// It is live, or may be, though it is to be live nowhere: it could not be rolled back.
    NotRolledBack(Error),
}

impl fmt::Display for SiteOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(receipt) => receipt.fmt(f),
            Self::Staged(staged) => write!(f, "staged, not live; {staged}"),
            Self::RolledBack(_) => f.write_str("rolled back"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::NotRolledBack(error) => write!(f, "could not be rolled back: {error}"),
        }
    }
}

/// What became of a release at each site. `Display` tells it, a line for each.
#[derive(Debug)]
#[non_exhaustive]
pub struct SitesReport {
    /// The release.
    pub release: ReleaseId,
    /// What became of it, by site.
    pub sites: BTreeMap<SiteName, SiteOutcome>,
}

impl SitesReport {
    /// The sites where it is live.
    pub fn live(&self) -> impl Iterator<Item = &SiteName> {
        let is_live = |outcome: &SiteOutcome| matches!(outcome, SiteOutcome::Live(_));
        self.sites.iter().filter(move |(_, outcome)| is_live(outcome)).map(|(site, _)| site)
    }

    /// What went wrong, by site.
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
            Err(Error::NotLiveEverywhere { report: Box::new(self) })
        }
    }

    /// What to do about the first thing that went wrong.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = |(site, error): (&SiteName, &Error)| Some(format!("{site}: {}", error.hint()?));
        self.errors().find_map(hint)
    }
}

impl fmt::Display for SitesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (live, all) = (self.live().count(), self.sites.len());
        write!(f, "release {} is live at {live} of {all} sites", self.release.short())?;
        self.sites.iter().try_for_each(|(site, outcome)| write!(f, "\n{site}: {outcome}"))
    }
}
