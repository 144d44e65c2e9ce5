//! Work that takes longer than a request: built, staged, proven, activated, rolled back.

use std::path::Path;
use std::sync::Arc;

use crate::app::App;
use crate::problem::StartError;

/// The jobs, done and to be done.
#[derive(Debug)]
pub(crate) struct Jobs {}

/// The jobs that run; made by [`Jobs::start`].
#[derive(Debug)]
pub(crate) struct Running {}

impl Jobs {
    /// Reads what is kept in `directory`.
    ///
    /// # Errors
    /// [`StartError::Io`].
    #[expect(clippy::unused_async, reason = "it will read files")]
    pub(crate) async fn open(_directory: &Path) -> Result<Arc<Self>, StartError> {
        Ok(Arc::new(Self {}))
    }

    /// Begins, or resumes, what is to be done.
    #[expect(clippy::unused_self, reason = "it will be used")]
    pub(crate) fn start(&self, _app: Arc<App>) -> Running {
        Running {}
    }
}

impl Running {
    /// Ends what runs; the next start resumes it.
    #[expect(clippy::unused_async, clippy::unused_self, reason = "it will wait")]
    pub(crate) async fn stop(self) {}
}
