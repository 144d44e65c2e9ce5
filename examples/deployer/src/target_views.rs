//! The views of targets that the service opens for machines.

use std::collections::BTreeMap;

use netboot_cli::Target;
use netboot_core::{Report, SiteName};
use netboot_serve::StoreView;
use tokio::sync::OnceCell;

use crate::health::Health;

/// The name of this part in [`Health`].
const PART: &str = "the served targets";

/// The views of the targets that the configuration names. Each is opened at the first request, so
/// that the service starts even if a bucket cannot be reached.
#[derive(Debug)]
pub(crate) struct TargetViews {
    views: BTreeMap<SiteName, (Target, OnceCell<StoreView>)>,
    health: Health,
}

impl TargetViews {
    pub(crate) fn new(targets: &BTreeMap<SiteName, Target>, health: &Health) -> Self {
        let views =
            targets.iter().map(|(name, target)| (name.clone(), (target.clone(), OnceCell::new())));
        Self { views: views.collect(), health: health.clone() }
    }

    /// The view of a target, or the reason why it cannot be opened; `None` for a name that is not
    /// served.
    pub(crate) async fn view(&self, name: &SiteName) -> Option<Result<&StoreView, Report>> {
        let (target, view) = self.views.get(name)?;
        let open = Box::pin(async {
            let publisher = target.reader().await?;
            let (health, name) = (self.health.clone(), name.clone());
            let view = StoreView::new(publisher.store().clone());
            Ok(view.on_failure(move |path, error| {
                health.degrade(PART, &format!("`{path}` of `{name}`: {error}"));
            }))
        });
        let opened = view.get_or_try_init(|| open).await;
        if let Err(report) = &opened {
            self.health.degrade(PART, &format!("`{name}`: {report}"));
        }
        Some(opened)
    }

    /// Tells that a target answers again.
    pub(crate) fn restore(&self) {
        self.health.restore(PART);
    }
}
