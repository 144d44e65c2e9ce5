//! Multipart uploads that a publisher left unfinished.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::Context;
use object_store::multipart::MultipartStore;
use object_store::path::Path;

use super::store::S3Store;
use crate::error::Error;
use crate::target_clock::target_time;

/// The number of uploads that are aborted at once.
const PARALLEL_ABORTS: usize = 8;

impl S3Store {
    /// Aborts the multipart uploads below the prefix that started more than `older_than` ago, and
    /// returns their number. This includes uploads of other programs. The parts of unfinished
    /// uploads cost money but are not visible in listings.
    ///
    /// `older_than` must be longer than the upload of the largest object takes, because an upload
    /// that is still running is aborted too and then fails. The server's clock
    /// counts: a small object that this writes and deletes again tells the time there.
    ///
    /// # Errors
    /// [`Error::S3`], [`Error::Cancelled`].
    pub async fn abort_abandoned_uploads(
        &self,
        older_than: Duration,
        context: &Context,
    ) -> Result<usize, Error> {
        context.check()?;
        let abort = async {
            let uploads = self.target.client.unfinished_uploads(self.target.keys.prefix()).await?;
            if uploads.is_empty() {
                return Ok(0);
            }
            let now = target_time(self, context).await?;
            let Some(latest) = now.checked_sub(older_than) else { return Ok(0) };
            // Some servers ignore the prefix. Uploads elsewhere must not be aborted.
            let prefix = self.target.keys.prefix();
            let old = uploads
                .into_iter()
                .filter(|upload| upload.started <= latest && upload.key.starts_with(prefix));
            let aborts = stream::iter(old).map(|upload| async move {
                let key = Path::from(upload.key.as_str());
                match self.target.client.writes.abort_multipart(&key, &upload.id).await {
                    Ok(()) => Ok(1),
                    // It has ended by now.
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
