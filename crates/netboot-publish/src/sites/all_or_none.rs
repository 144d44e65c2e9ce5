//! Taking back what went live at some sites, where it could not at others.

use std::collections::BTreeMap;

use netboot_core::{CancellationToken, Context, ReleaseId, SiteName};

use crate::error::{Error, SiteOutcome};
use crate::publisher::Publisher;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::receipt::{Outcome, Receipt};
use crate::sites::Sites;

/// A release that was to go live at a site, and what was live before.
pub(crate) struct Tried {
    pub(crate) publisher: Publisher,
    pub(crate) base: PointerState,
    pub(crate) result: Result<Receipt, Error>,
}

impl Sites {
    /// If a release went live at each site, tells so; else undoes it where it did.
    pub(crate) async fn all_or_none(
        &self,
        release: &ReleaseId,
        tried: BTreeMap<SiteName, Result<Tried, Error>>,
        context: &Context,
    ) -> BTreeMap<SiteName, SiteOutcome> {
        let mut outcomes = BTreeMap::new();
        let mut all = BTreeMap::new();
        for (site, tried) in tried {
            match tried {
                Ok(tried) => drop(all.insert(site, tried)),
                // Nothing was tried, and nothing is to be undone.
                Err(error) => drop(outcomes.insert(site, SiteOutcome::Failed(error))),
            }
        }
        if outcomes.is_empty() && all.values().all(|tried| tried.result.is_ok()) {
            let live = |(site, tried): (SiteName, Tried)| {
                Some((site, SiteOutcome::Live(tried.result.ok()?)))
            };
            return all.into_iter().filter_map(live).collect();
        }
        // What was begun is undone, also when it was cancelled.
        let context = context.clone().with_cancellation(CancellationToken::new());
        let undone = self
            .at_each(all, &context, |tried, context| async move {
                let Tried { publisher, base, result } = tried;
                let undone = self.in_time(publisher.undo(release, &base, &context)).await;
                Ok(match (result, undone) {
                    (_, Err(error)) => SiteOutcome::NotRolledBack(error),
                    (Err(error), Ok(())) => SiteOutcome::Failed(error),
                    // It was live before, and stays.
                    (Ok(receipt), Ok(())) if receipt.outcome == Outcome::Unchanged => {
                        SiteOutcome::Live(receipt)
                    }
                    (Ok(receipt), Ok(())) => SiteOutcome::RolledBack(receipt),
                })
            })
            .await;
        outcomes.extend(
            undone
                .into_iter()
                .map(|(site, outcome)| (site, outcome.unwrap_or_else(SiteOutcome::NotRolledBack))),
        );
        outcomes
    }
}
