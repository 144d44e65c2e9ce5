//! The time at the target, which the ages of its objects are compared with.

use std::time::{SystemTime, UNIX_EPOCH};

use netboot_core::layout::{self, Location};
use netboot_core::{Context, ErrorClass};

use crate::error::Error;
use crate::publisher::uploads::upload;
use crate::store::{Entry, Listed, Store, Upload};

/// The source of the target's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetClock {
    /// A file was written a moment ago, and the next listing has its time.
    Written,
    /// The target had no room for the file.
    NoRoom,
    /// Nothing is written, in a dry run.
    Unwritten,
}

impl TargetClock {
    /// Writes the file whose time tells the target's time.
    pub(crate) async fn write(store: &dyn Store, context: &Context) -> Result<Self, Error> {
        match store.send(vec![file()?], context).await {
            Ok(()) => Ok(Self::Written),
            // Pruning has to make room.
            Err(error) if error.class() == ErrorClass::StorageFull => Ok(Self::NoRoom),
            Err(error) => Err(error),
        }
    }

    /// Returns the target's time when the file was written, or an earlier time. `listed` is
    /// everything below `releases`, and `here` is the time of this machine.
    ///
    /// # Errors
    /// [`Error::StaleListing`] if the listing does not show the file.
    pub(crate) fn now(
        self,
        store: &dyn Store,
        listed: &[Listed],
        here: SystemTime,
    ) -> Result<SystemTime, Error> {
        match self {
            Self::Unwritten => Ok(here),
            Self::Written => {
                let clock = listed
                    .iter()
                    .find(|it| matches!(Location::parse(&it.path), Some(Location::Clock)));
                let modified = clock.and_then(|clock| clock.entry.modified());
                modified.ok_or_else(|| Error::stale_listing(store, layout::clock()))
            }
            // The target wrote its newest file earlier than now.
            Self::NoRoom => {
                let times = listed.iter().filter_map(|listed| Entry::modified(&listed.entry));
                Ok(times.max().unwrap_or(UNIX_EPOCH))
            }
        }
    }
}

/// Returns the target's time: the time of a file that this writes there and deletes again.
#[cfg(feature = "s3")]
pub(crate) async fn target_time(store: &dyn Store, context: &Context) -> Result<SystemTime, Error> {
    let path = layout::clock();
    store.send(vec![file()?], context).await?;
    let found = store.stat(std::slice::from_ref(&path)).await?;
    let modified = found.get(&path).and_then(Entry::modified);
    store.delete(std::slice::from_ref(&path), context).await?;
    modified.ok_or_else(|| Error::stale_listing(store, path))
}

/// The file that tells the time. Each has other bytes, so that no store leaves an old file in
/// place.
fn file() -> Result<Upload, Error> {
    let nonce = fastrand::u128(..);
    upload(
        layout::clock(),
        format!("Netboot wrote this to learn the time here: {nonce:032x}\n").into(),
    )
}
