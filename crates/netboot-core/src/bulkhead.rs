//! Work on a file system that may hang.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use crate::error::Error;

/// Runs work on a file system that may hang, such as a network file system whose server is down.
///
/// The work runs on a bounded number of threads of its own. The caller waits for at most `limit`,
/// for a free thread and for the work together. So a file system that hangs takes neither the
/// threads of the runtime nor the time of its callers, and does not hold up the runtime's end.
/// Clones share their threads.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use std::time::Duration;
///
/// use netboot_core::Bulkhead;
///
/// let bulkhead = Bulkhead::new("/srv/pxe", 16, Duration::from_secs(30));
/// let size = bulkhead.run(|| std::fs::metadata("/").map(|found| found.len())).await??;
/// # assert!(size < u64::MAX);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bulkhead {
    path: Arc<PathBuf>,
    threads: Arc<Semaphore>,
    limit: Duration,
}

impl Bulkhead {
    /// Work on the file system of `path`, on at most `threads` threads.
    pub fn new(path: impl Into<PathBuf>, threads: usize, limit: Duration) -> Self {
        let threads = Arc::new(Semaphore::new(threads.clamp(1, Semaphore::MAX_PERMITS)));
        Self { path: Arc::new(path.into()), threads, limit }
    }

    /// Sets the time that a caller waits.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs `work` on another thread. It runs to its end even if the caller no longer waits. A
    /// panic of `work` goes on in the caller.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], or [`Error::Io`] if there is no thread to be had.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        tokio::time::timeout(self.limit, self.run_unlimited(work)).await.unwrap_or_else(|_| {
            Err(Error::NoAnswer { path: self.path.to_path_buf(), after: self.limit })
        })
    }

    async fn run_unlimited<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let thread = self.threads.clone().acquire_owned().await.map_err(|_| Error::Cancelled)?;
        let (sender, receiver) = oneshot::channel();
        let begun = std::thread::Builder::new().name("file system".to_owned()).spawn(move || {
            let done = catch_unwind(AssertUnwindSafe(work));
            drop(thread);
            // The caller may have stopped waiting.
            let _ = sender.send(done);
        });
        begun.map_err(|source| Error::io("start a thread for", self.path.as_path(), source))?;
        match receiver.await.map_err(|_| Error::Cancelled)? {
            Ok(done) => Ok(done),
            Err(panic) => resume_unwind(panic),
        }
    }
}
