//! The outcome of each site as one word.

use netboot_publish::{SiteOutcome, SitesReport};

/// Returns the outcomes of a report, in the order of the sites' names.
pub(crate) fn outcomes(report: &SitesReport) -> Vec<&'static str> {
    let name = |outcome: &SiteOutcome| match outcome {
        SiteOutcome::Live(_) => "live",
        SiteOutcome::Staged(_) => "staged",
        SiteOutcome::RolledBack(_) => "rolled back",
        SiteOutcome::Failed(_) => "failed",
        SiteOutcome::NotRolledBack(_) => "not rolled back",
        _ => panic!("{outcome}"),
    };
    report.sites.values().map(name).collect()
}
