//! A target whose clock is ahead, for tests of ages that do not wait.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::{ReleasePath, layout};

use crate::clock::ClockAhead;
use crate::error::Error;
use crate::publisher::Publisher;
use crate::store::{Entry, ListScope, Listed, Store};
use crate::store_layer::StoreLayer;

/// Returns a publisher for which `time` has passed, by the clock of the target and by its own. All
/// that is at the target is older by that much.
#[must_use]
pub fn later(publisher: &Publisher, time: Duration) -> Publisher {
    with_target_clock_ahead(publisher, time).with_clock(ClockAhead(time))
}

/// Returns a publisher whose target has a clock that is ahead by `time`.
#[must_use]
pub fn with_target_clock_ahead(publisher: &Publisher, time: Duration) -> Publisher {
    let inner = publisher.store().clone();
    publisher.clone().with_store(Arc::new(TargetClockAhead { inner, time }))
}

/// A layer that gives the file of the target's time a later time.
#[derive(Debug)]
struct TargetClockAhead {
    inner: Arc<dyn Store>,
    time: Duration,
}

impl fmt::Display for TargetClockAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl TargetClockAhead {
    fn shift(&self, path: &str, entry: &mut Entry) {
        if let (true, Entry::Object { modified, .. }) = (path == layout::clock().as_str(), entry) {
            *modified += self.time;
        }
    }
}

#[async_trait]
impl StoreLayer for TargetClockAhead {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        let mut found = self.inner.stat(paths).await?;
        for (path, entry) in &mut found {
            self.shift(path.as_str(), entry);
        }
        Ok(found)
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        let mut listed = self.inner.list(scope).await?;
        for listed in &mut listed {
            self.shift(&listed.path, &mut listed.entry);
        }
        Ok(listed)
    }
}
