//! The two steps of publishing: staging at all sites, and activation at all sites.

use std::collections::BTreeMap;

use netboot_core::{Context, Release, ReleaseId, SiteName};

use crate::error::{Error, SiteOutcome, SitesReport};
use crate::pointer::activation::ActivationKind;
use crate::publisher::rollback::RollbackTo;
use crate::receipt::Receipt;
use crate::sites::all_or_none::Tried;
use crate::sites::{ActivationPolicy, Sites};

impl Sites {
    /// Stages a release at every site, as [`Publisher::stage`](crate::Publisher::stage) does.
    /// Machines go on booting the live release. [`activate`](Self::activate) may follow.
    ///
    /// The outcome of a site is [`SiteOutcome::Staged`] or [`SiteOutcome::Failed`].
    pub async fn stage(&self, release: &Release, context: &Context) -> SitesReport {
        let staged = self
            .at_each(self.publishers.clone(), context, |publisher, context| async move {
                Ok(self.in_time(publisher.prepare(release, &context)).await?.into_staged())
            })
            .await;
        let outcome = |(site, result): (SiteName, Result<_, _>)| {
            (site, result.map_or_else(SiteOutcome::Failed, SiteOutcome::Staged))
        };
        let sites = staged.into_iter().map(outcome).collect();
        SitesReport { release: *release.id(), sites, is_staging: true }
    }

    /// Makes a release live that is staged at every site, by the policy. It rolls back by the same
    /// rule as [`publish`](Self::publish).
    pub async fn activate(&self, release: impl Into<ReleaseId>, context: &Context) -> SitesReport {
        self.go_live(&release.into(), ActivationKind::Activated, context).await
    }

    /// Makes a release live again at every site, by the policy. [`RollbackTo::Previous`] is the
    /// release that was live at every site before the live one; sites that cannot be read do not
    /// count, and fail in the report.
    ///
    /// # Errors
    /// [`Error::DifferentEarlierReleases`] if there is no such release, and the first error if no
    /// site can be read. Nothing changed then. The errors of the sites are in the report.
    pub async fn rollback(&self, to: RollbackTo, context: &Context) -> Result<SitesReport, Error> {
        let release = match to {
            RollbackTo::Release(release) => release,
            RollbackTo::Previous => self.common_earlier_release(context).await?,
        };
        Ok(self.go_live(&release, ActivationKind::RolledBack, context).await)
    }

    async fn common_earlier_release(&self, context: &Context) -> Result<ReleaseId, Error> {
        let found = self
            .at_each(self.publishers.clone(), context, |publisher, _| async move {
                let earlier = match self.in_time(publisher.earlier_release()).await {
                    Ok(earlier) => Some(earlier),
                    Err(Error::NothingToRollBackTo { .. }) => None,
                    Err(error) => return Err(error),
                };
                Ok(earlier)
            })
            .await;
        let (mut earlier, mut failed) = (BTreeMap::new(), None);
        for (site, result) in found {
            match result {
                Ok(release) => drop(earlier.insert(site, release)),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        let mut distinct: Vec<_> = earlier.values().copied().collect();
        distinct.dedup();
        match (&distinct[..], failed) {
            ([Some(release)], _) => Ok(*release),
            ([], Some(error)) => Err(error),
            _ => Err(Error::DifferentEarlierReleases { earlier }),
        }
    }

    async fn go_live(
        &self,
        release: &ReleaseId,
        kind: ActivationKind,
        context: &Context,
    ) -> SitesReport {
        let sites = match self.policy {
            ActivationPolicy::EachByItself => self.go_live_each(release, kind, context).await,
            ActivationPolicy::AllOrNone => self.go_live_all(release, kind, context).await,
        };
        SitesReport { release: *release, sites, is_staging: false }
    }

    async fn go_live_each(
        &self,
        release: &ReleaseId,
        kind: ActivationKind,
        context: &Context,
    ) -> BTreeMap<SiteName, SiteOutcome> {
        let live = self
            .at_each(self.publishers.clone(), context, |publisher, context| async move {
                let work = async {
                    let base = publisher.read_pointer().await?;
                    publisher.make_live(release, &base, kind, &context).await
                };
                self.in_time(work).await
            })
            .await;
        let outcome = |(site, result): (SiteName, Result<Receipt, Error>)| {
            (site, result.map_or_else(SiteOutcome::Failed, SiteOutcome::Live))
        };
        live.into_iter().map(outcome).collect()
    }

    async fn go_live_all(
        &self,
        release: &ReleaseId,
        kind: ActivationKind,
        context: &Context,
    ) -> BTreeMap<SiteName, SiteOutcome> {
        // Before any site changes, find sites that lack the release or cannot be reached.
        let ready = self
            .at_each(self.publishers.clone(), context, |publisher, context| async move {
                let work = async {
                    let base = publisher.read_pointer().await?;
                    let staged = publisher.find_staged(release, &base, &context).await?;
                    Ok((base, staged))
                };
                let (base, staged) = self.in_time(work).await?;
                Ok((publisher, base, staged))
            })
            .await;
        if ready.values().any(Result::is_err) || context.check().is_err() {
            let outcome = |(site, result): (SiteName, Result<_, Error>)| match result {
                Ok((_, _, staged)) => (site, SiteOutcome::Staged(staged)),
                Err(error) => (site, SiteOutcome::Failed(error)),
            };
            return ready.into_iter().map(outcome).collect();
        }
        let ready = ready.into_iter().filter_map(|(site, result)| Some((site, result.ok()?)));
        let tried = self
            .at_each(ready.collect(), context, |(publisher, base, _), context| async move {
                let result =
                    self.in_time(publisher.make_live(release, &base, kind, &context)).await;
                Ok(Tried { publisher, base, result })
            })
            .await;
        self.all_or_none(release, tried, context).await
    }
}
