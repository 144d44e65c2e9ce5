//! Staging at all sites at once, and activating by the policy.

use std::collections::BTreeMap;

use netboot_core::{Context, Release, SiteName};

use crate::error::{Error, SiteOutcome, SitesReport};
use crate::publisher::Publisher;
use crate::publisher::prepare::Prepared;
use crate::sites::all_or_none::Tried;
use crate::sites::{ActivationPolicy, Sites};

impl Sites {
    /// Publishes a release to every site, to several at the same time
    /// ([`concurrency`](crate::SitesBuilder::concurrency)). Under
    /// [`ActivationPolicy::AllOrNone`], activation waits until all sites are staged.
    ///
    /// Events arrive as [`Event::AtSite`](netboot_core::Event::AtSite). The report has the error of
    /// each site that failed, exceeded its time limit or was cancelled. The next call continues
    /// the work and does not send files again. To end early, cancel the context. If the future is
    /// dropped while sites go live, nothing is rolled back, and some sites may be live.
    pub async fn publish(&self, release: &Release, context: &Context) -> SitesReport {
        let sites = match self.policy {
            ActivationPolicy::EachByItself => self.publish_each(release, context).await,
            ActivationPolicy::AllOrNone => self.publish_all(release, context).await,
        };
        SitesReport { release: *release.id(), sites, is_staging: false }
    }

    async fn publish_each(
        &self,
        release: &Release,
        context: &Context,
    ) -> BTreeMap<SiteName, SiteOutcome> {
        self.at_each(self.publishers.clone(), context, |publisher, context| {
            let release = release.clone();
            async move {
                let prepared = self.in_time(publisher.prepare(&release, &context)).await?;
                self.in_time(publisher.activate_prepared(&release, &prepared, &context)).await
            }
        })
        .await
        .into_iter()
        .map(|(site, result)| (site, result.map_or_else(SiteOutcome::Failed, SiteOutcome::Live)))
        .collect()
    }

    async fn publish_all(
        &self,
        release: &Release,
        context: &Context,
    ) -> BTreeMap<SiteName, SiteOutcome> {
        let staged = self
            .at_each(self.publishers.clone(), context, |publisher, context| {
                let release = release.clone();
                async move {
                    let prepared = self.in_time(publisher.prepare(&release, &context)).await?;
                    Ok((publisher, prepared))
                }
            })
            .await;
        if staged.values().any(Result::is_err) || context.check().is_err() {
            let outcome = |result: Result<(Publisher, Prepared), Error>| match result {
                Ok((_, prepared)) => SiteOutcome::Staged(prepared.into_staged()),
                Err(error) => SiteOutcome::Failed(error),
            };
            return staged.into_iter().map(|(site, result)| (site, outcome(result))).collect();
        }
        let staged = staged.into_iter().filter_map(|(site, result)| Some((site, result.ok()?)));
        let activated = self
            .at_each(staged.collect(), context, |(publisher, prepared), context| {
                let release = release.clone();
                async move {
                    let activation = publisher.activate_prepared(&release, &prepared, &context);
                    let result = self.in_time(activation).await;
                    Ok(Tried { publisher, base: prepared.base().clone(), result })
                }
            })
            .await;
        self.all_or_none(release.id(), activated, context).await
    }
}
