//! The builder of a directory server.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::directory_server::{DirectoryServer, Hook};
use crate::error::Error;

impl DirectoryServer {
    /// Serves `directory`.
    ///
    /// # Errors
    /// [`Error::DirectoryMissing`], [`Error::Bind`].
    pub async fn start(directory: impl AsRef<Path>) -> Result<Self, Error> {
        Self::builder(directory).start().await
    }

    /// Creates a builder for a server of `directory`, to set options.
    pub fn builder(directory: impl AsRef<Path>) -> DirectoryServerBuilder {
        DirectoryServerBuilder { directory: directory.as_ref().to_owned(), hook: None }
    }
}

/// Sets the options of a [`DirectoryServer`]. [`DirectoryServer::builder`] creates it.
#[derive(Clone)]
#[must_use = "`start` starts the server"]
pub struct DirectoryServerBuilder {
    directory: PathBuf,
    hook: Option<Hook>,
}

impl DirectoryServerBuilder {
    /// Sets a function that the server calls with the path of each request (see
    /// [`Request::path`](crate::Request::path)) and awaits before it looks for the file. So the
    /// answer includes the function's changes to the directory.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), netboot_qemu::Error> {
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let directory = directory.path();
    /// let server = netboot_qemu::DirectoryServer::builder(directory)
    ///     .on_request(|path| async move { eprintln!("request for {path}") })
    ///     .start()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_request<F, Answer>(mut self, hook: F) -> Self
    where
        F: Fn(String) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = ()> + Send + 'static,
    {
        self.hook = Some(Arc::new(move |path| Box::pin(hook(path))));
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// [`Error::DirectoryMissing`], [`Error::Bind`].
    pub async fn start(self) -> Result<DirectoryServer, Error> {
        DirectoryServer::serve(self.directory, self.hook).await
    }
}

impl fmt::Debug for DirectoryServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { directory, hook } = self;
        f.debug_struct("DirectoryServerBuilder")
            .field("directory", directory)
            .field("hook", &hook.is_some())
            .finish()
    }
}
