//! A target whose clock is ahead, for tests of ages that do not wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::layout;

use crate::clock::ClockAhead;
use crate::error::Error;
use crate::publisher::Publisher;
use crate::store::{Entry, ListScope, Listed, Store};
use crate::store_layer::StoreLayer;

/// Returns a publisher for which `time` has passed, by the clock of the target and by its own. All
/// that is at the target is older by that much.
#[must_use]
pub fn later(publisher: &Publisher, time: Duration) -> Publisher {
    let inner = publisher.store().clone();
    let publisher = publisher.clone().with_store(Arc::new(TargetClockAhead { inner, time }));
    publisher.with_clock(ClockAhead(time))
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

#[async_trait]
impl StoreLayer for TargetClockAhead {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        let mut listed = self.inner.list(scope).await?;
        let clock = layout::clock();
        for clock in listed.iter_mut().filter(|listed| listed.path == clock.as_str()) {
            if let Entry::Object { modified, .. } = &mut clock.entry {
                *modified += self.time;
            }
        }
        Ok(listed)
    }
}
