//! Staging at all sites at once, and going live by the policy.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use netboot_core::{CancellationToken, Context, Event, Release, SiteName};

use super::{ActivationPolicy, SiteOutcome, Sites, SitesReport};
use crate::publisher::Prepared;
use crate::{Error, Outcome, Publisher, Receipt};

impl Sites {
    /// Publishes a release to every site, as many at once as
    /// [`concurrency`](super::SitesBuilder::concurrency) allows. Of these, no site waits for
    /// another to be staged but, where all or none is to go live, before it does.
    ///
    /// What happens is reported as [`Event::AtSite`]. A site that fails or takes too long is in the
    /// report, with its error, and so is a cancelled one: work that was begun is not lost, and is
    /// not done again by the next call. To end it early, cancel the context: when the future is
    /// dropped while sites go live, nothing is rolled back, and some may be live.
    pub async fn publish(&self, release: &Release, context: &Context) -> SitesReport {
        let sites = match self.policy {
            ActivationPolicy::EachByItself => self.publish_each(release, context).await,
            ActivationPolicy::AllOrNone => self.publish_all(release, context).await,
        };
        SitesReport { release: *release.id(), sites }
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
                    Ok((publisher, prepared, result))
                }
            })
            .await;
        let activated = activated.into_iter().filter_map(|(site, all)| Some((site, all.ok()?)));
        let activated: BTreeMap<SiteName, (Publisher, Prepared, Result<Receipt, Error>)> =
            activated.collect();
        if activated.values().all(|(_, _, result)| result.is_ok()) {
            let live = activated
                .into_iter()
                .filter_map(|(site, (_, _, result))| Some((site, SiteOutcome::Live(result.ok()?))));
            return live.collect();
        }
        // What was begun is undone, also when it was cancelled.
        let context = context.clone().with_cancellation(CancellationToken::new());
        self.at_each(activated, &context, |(publisher, prepared, result), context| {
            let release = release.clone();
            async move {
                let undone = self.in_time(publisher.undo(&release, &prepared, &context)).await;
                Ok(match (result, undone) {
                    (_, Err(error)) => SiteOutcome::NotRolledBack(error),
                    (Err(error), Ok(())) => SiteOutcome::Failed(error),
                    // It was live before, and stays.
                    (Ok(receipt), Ok(())) if receipt.outcome == Outcome::Unchanged => {
                        SiteOutcome::Live(receipt)
                    }
                    (Ok(receipt), Ok(())) => SiteOutcome::RolledBack(receipt),
                })
            }
        })
        .await
        .into_iter()
        .map(|(site, outcome)| (site, outcome.unwrap_or_else(SiteOutcome::NotRolledBack)))
        .collect()
    }

    /// Works on each site, as many at once as is allowed; events carry the site's name.
    async fn at_each<S, T, F>(
        &self,
        sites: BTreeMap<SiteName, S>,
        context: &Context,
        work: impl Fn(S, Context) -> F,
    ) -> BTreeMap<SiteName, Result<T, Error>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let work = &work;
        let each = |(site, state): (SiteName, S)| {
            let context = at_site(context, &site);
            async move {
                let result = work(state, context).await;
                (site, result)
            }
        };
        stream::iter(sites).map(each).buffer_unordered(self.concurrency).collect().await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let Some(after) = self.timeout else { return work.await };
        match tokio::time::timeout(after, work).await {
            Ok(result) => result,
            Err(_) => Err(Error::TimedOut { after }),
        }
    }
}

/// The same context, whose events tell where they happened.
fn at_site(context: &Context, site: &SiteName) -> Context {
    let (outer, site) = (context.clone(), site.clone());
    context.clone().with_events(move |event: Event| {
        outer.emit(Event::AtSite { site: site.clone(), event: Box::new(event) });
    })
}
