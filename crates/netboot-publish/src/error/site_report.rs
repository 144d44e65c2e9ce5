//! The reports of sites.

use std::collections::BTreeMap;

use netboot_core::{ReleaseId, SiteName};

use crate::error::Error;
use crate::receipt::{Receipt, Staged};

/// The outcome of a release at one site.
#[derive(Debug)]
#[non_exhaustive]
pub enum SiteOutcome {
    /// The release is live.
    Live(Receipt),
    /// The release is staged and whole. It is not live, since it did not go live at another site.
    Staged(Staged),
    /// The release was live and was rolled back, since it could not go live at another site.
    RolledBack(Receipt),
    /// The site failed. The release may be staged in part or completely. After a failure at the
    /// pointer it may be live and whole, except under [`AllOrNone`](crate::ActivationPolicy).
    Failed(Error),
    /// The release may be live although it should be live nowhere, because the rollback failed.
    NotRolledBack(Error),
}

/// The outcome of a release at each site. `Display` counts the sites and shows a line for each.
#[derive(Debug)]
#[non_exhaustive]
pub struct SitesReport {
    /// The release.
    pub release: ReleaseId,
    /// The outcomes, by site.
    pub sites: BTreeMap<SiteName, SiteOutcome>,
    pub(crate) is_staging: bool,
}
