//! The bytes of an artifact as the body of a request.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream;
use netboot_core::Context;
use reqwest::Body;

use crate::error::Error;
use crate::store::Upload;
use crate::upload_source::UploadSource;

/// The bytes that are read of an artifact at once.
const PIECE: usize = 256 * 1024;

/// The reason why a body ended early.
pub(super) type Failure = Arc<Mutex<Option<Error>>>;

/// Reads an artifact and reports what is sent. The last bytes are only sent if all are the expected
/// ones.
pub(super) struct Outgoing {
    upload: Upload,
    source: Option<UploadSource>,
    done: u64,
    is_finished: bool,
    /// The most bytes that were sent so far, also by earlier attempts.
    sent: Arc<AtomicU64>,
    failure: Failure,
    context: Context,
}

impl Outgoing {
    pub(super) fn new(
        upload: &Upload,
        sent: &Arc<AtomicU64>,
        failure: &Failure,
        context: &Context,
    ) -> Self {
        Self {
            upload: upload.clone(),
            source: None,
            done: 0,
            is_finished: false,
            sent: sent.clone(),
            failure: failure.clone(),
            context: context.clone(),
        }
    }

    pub(super) fn into_body(self) -> Body {
        Body::wrap_stream(stream::try_unfold(self, |mut outgoing| async move {
            match outgoing.next().await {
                Ok(piece) => Ok(piece.map(|piece| (piece, outgoing))),
                Err(error) => {
                    let mut failure =
                        outgoing.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    *failure = Some(error);
                    Err(io::Error::other("the artifact cannot be sent"))
                }
            }
        }))
    }

    /// Fails unless the artifact has the bytes that it announces. A file is only looked at.
    pub(super) async fn check(mut self) -> Result<(), Error> {
        if self.upload.artifact().local_path().is_some() {
            drop(self.upload.artifact().open().await?);
            return Ok(());
        }
        while self.next().await?.is_some() {}
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.is_finished {
            return Ok(None);
        }
        let mut source = match self.source.take() {
            Some(source) => source,
            None => UploadSource::open(self.upload.clone()).await?,
        };
        let size = self.upload.artifact().size();
        let left = usize::try_from(size - self.done).unwrap_or(usize::MAX);
        let piece = source.next(PIECE.min(left)).await?;
        self.done += piece.len() as u64;
        if self.done == size || piece.is_empty() {
            source.finish().await?;
            self.is_finished = true;
            return Ok(Some(piece).filter(|piece| !piece.is_empty()));
        }
        // A repeated request does not report its bytes again.
        if self.sent.fetch_max(self.done, Ordering::Relaxed) < self.done {
            self.upload.progress(self.done, &self.context);
        }
        self.source = Some(source);
        Ok(Some(piece))
    }
}
