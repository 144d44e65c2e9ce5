//! Rolling back a release that could not go live at every site.

use std::collections::BTreeMap;

use netboot_core::{CancellationToken, Context, ReleaseId, SiteName};

use crate::error::{Error, SiteOutcome};
use crate::publisher::Publisher;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::receipt::{Outcome, Receipt};
use crate::sites::Sites;

/// The attempt to make a release live at a site, with the pointer as it was before.
pub(crate) struct Tried {
    pub(crate) publisher: Publisher,
    pub(crate) base: PointerState,
    pub(crate) result: Result<Receipt, Error>,
}

impl Sites {
    /// Reports a release that went live at every site. Otherwise rolls it back where it went live.
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
                // Without an attempt there is nothing to undo.
                Err(error) => drop(outcomes.insert(site, SiteOutcome::Failed(error))),
            }
        }
        if outcomes.is_empty() && all.values().all(|tried| tried.result.is_ok()) {
            let live = |(site, tried): (SiteName, Tried)| {
                Some((site, SiteOutcome::Live(tried.result.ok()?)))
            };
            return all.into_iter().filter_map(live).collect();
        }
        // A cancelled activation is undone too, so undoing ignores the cancellation.
        let context = context.clone().with_cancellation(CancellationToken::new());
        let undone = self
            .at_each(all, &context, |tried, context| async move {
                let Tried { publisher, base, result } = tried;
                let undone = self.in_time(publisher.undo(release, &base, &context)).await;
                Ok(match (result, undone) {
                    (_, Err(error)) => SiteOutcome::NotRolledBack(error),
                    (Err(error), Ok(())) => SiteOutcome::Failed(error),
                    // It was live before, and stays live.
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
