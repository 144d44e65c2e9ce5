//! Multipart uploads that nobody will end any more.

use std::time::{Duration, SystemTime};

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::Context;
use object_store::multipart::MultipartStore;
use object_store::path::Path;

use super::store::S3Store;
use crate::error::Error;

/// How many uploads are aborted at once.
const PARALLEL_ABORTS: usize = 8;

impl S3Store {
    /// Removes what is left of multipart uploads below the prefix that were begun more than
    /// `older_than` ago, and says of how many; also those of other programs than this one. They
    /// take space that is paid for, and nobody sees them.
    ///
    /// The time has to be longer than the largest object takes to be sent, by the clocks of the
    /// server and of this machine: an upload that goes on is aborted as well, and fails.
    ///
    /// # Errors
    /// [`Error::S3`], [`Error::Cancelled`].
    pub async fn abort_abandoned_uploads(
        &self,
        older_than: Duration,
        context: &Context,
    ) -> Result<usize, Error> {
        context.check()?;
        let Some(latest) = SystemTime::now().checked_sub(older_than) else { return Ok(0) };
        let abort = async {
            let uploads = self.target.client.unfinished_uploads(self.target.keys.prefix()).await?;
            // A server may not look at the prefix, and what lies elsewhere is not ours to end.
            let prefix = self.target.keys.prefix();
            let old = uploads
                .into_iter()
                .filter(|upload| upload.begun <= latest && upload.key.starts_with(prefix));
            let aborts = stream::iter(old).map(|upload| async move {
                let key = Path::from(upload.key.as_str());
                match self.target.client.writes.abort_multipart(&key, &upload.id).await {
                    Ok(()) => Ok(1),
                    // It was ended meanwhile.
                    Err(object_store::Error::NotFound { .. }) => Ok(0),
                    Err(source) => {
                        Err(self.target.client.error("abort an upload to", &key, source))
                    }
                }
            });
            let aborts = aborts.buffer_unordered(PARALLEL_ABORTS);
            aborts.try_fold(0, |sum, aborted| async move { Ok(sum + aborted) }).await
        };
        tokio::select! {
            biased;
            () = context.cancellation().cancelled() => Err(Error::Cancelled),
            aborted = abort => aborted,
        }
    }
}
