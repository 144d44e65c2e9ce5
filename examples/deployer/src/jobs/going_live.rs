//! The last step: activating a release.

use std::collections::BTreeMap;

use netboot_core::{Event, ReleaseId, SiteName};
use netboot_publish::{
    ActivationKind, ActivationPolicy, Publisher, Retention, RollbackTo, Sites, SitesReport,
};

use super::error::JobError;
use super::steps::Steps;
use crate::causes::with_causes;

impl Steps<'_> {
    /// Activates a release at all targets, by the policy, and prunes old releases.
    pub(super) async fn go_live(
        &self,
        release: &ReleaseId,
        kind: ActivationKind,
    ) -> Result<String, JobError> {
        let (sites, unreachable) = self.sites().await?;
        let before = live_at(&sites).await;
        self.entry.begin_going_live(*release, before).await?;
        let report = match kind {
            ActivationKind::RolledBack => {
                sites.rollback(RollbackTo::Release(*release), self.context).await?
            }
            _ => sites.activate(release, self.context).await,
        };
        self.take_back(&sites, &report).await?;
        let summary = report.ensure_live_everywhere()?.to_string();
        if let Some((site, error)) = unreachable.into_iter().next() {
            let error_text =
                format!("{summary}\n{site}: cannot be reached: {}", with_causes(&error));
            return Err(JobError::new(error_text, error.hint().unwrap_or_default().to_owned()));
        }
        let retention = &self.deployment.config.retention;
        for publisher in sites.publishers().values() {
            self.prune(publisher, retention).await;
        }
        // Builds are never live. They are kept for the grace time.
        self.prune(self.deployment.builds(), &retention.clone().with_keep_last(0)).await;
        Ok(summary)
    }

    /// Rolls back the targets where the release went live before the service was killed, if it now
    /// cannot go live at another target and the policy is all or none. The library itself rolls
    /// back the targets where the release went live in this attempt.
    async fn take_back(&self, sites: &Sites, report: &SitesReport) -> Result<(), JobError> {
        let is_partial = report.errors().next().is_some();
        if !is_partial || self.deployment.config.policy != ActivationPolicy::AllOrNone {
            return Ok(());
        }
        let before = self.entry.job().await.live_before;
        for (site, publisher) in sites.publishers() {
            let Some(before) = before.get(site).filter(|before| **before != report.release) else {
                continue;
            };
            // If it cannot be read, the report has this error already.
            if matches!(publisher.live().await, Ok(Some(live)) if live == report.release) {
                publisher.rollback(RollbackTo::Release(*before), self.context).await?;
            }
        }
        Ok(())
    }

    /// Prunes one target. A failure is only a warning: the release is live, and the next pruning
    /// deletes the rest.
    async fn prune(&self, publisher: &Publisher, retention: &Retention) {
        if let Err(error) = publisher.prune(retention, self.context).await {
            let message = format!("{}: cannot prune: {error}", publisher.store());
            let hint = error.hint();
            self.context.emit(Event::Warning { profile: None, message, hint });
        }
    }
}

/// The live release of each site that has one. The error of a site that cannot be read appears when
/// the release is activated there.
async fn live_at(sites: &Sites) -> BTreeMap<SiteName, ReleaseId> {
    let mut live = BTreeMap::new();
    for (site, publisher) in sites.publishers() {
        if let Ok(Some(release)) = publisher.live().await {
            live.insert(site.clone(), release);
        }
    }
    live
}
