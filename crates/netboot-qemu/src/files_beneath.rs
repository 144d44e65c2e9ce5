//! The files beneath a directory, for web servers.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, fs};

use netboot_core::beneath::Directory;
use netboot_core::{Bulkhead, Error, GuardedFile};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, File};

/// The number of reads of the directory that may be in progress at once, or may hang.
const READ_THREADS: usize = 32;

/// The default time that a read of the directory may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of refused paths that are remembered, so that each is told only once.
const REFUSALS: usize = 100;

/// The regular files beneath a directory, as a backend of tower-http's
/// [`ServeDir`](tower_http::services::ServeDir). Its paths are relative, so the server's directory
/// is `""`.
///
/// - Links that stay beneath the directory are followed. A link that leaves it is answered as a
///   missing file, and told once. Another user can change a link at any time, so each step of a
///   path is taken by handle: see [`Directory::file_through_links`].
/// - Named pipes, sockets and devices are answered as missing files, and never opened.
/// - Reads run on a bounded number of threads. A read fails after a time limit if the file system
///   hangs: see [`Bulkhead`].
///
/// ```
/// use netboot_qemu::FilesBeneath;
/// use tower_http::services::ServeDir;
///
/// let files = FilesBeneath::new("/srv/pxe/nixos").on_refusal(|refusal| eprintln!("{refusal}"));
/// let service = ServeDir::with_backend("", files).append_index_html_on_directories(false);
/// ```
#[derive(Clone)]
pub struct FilesBeneath {
    directory: Arc<PathBuf>,
    reads: Bulkhead,
    refused: Arc<Mutex<BTreeSet<PathBuf>>>,
    on_refusal: Arc<dyn Fn(&Error) + Send + Sync>,
}

impl FilesBeneath {
    /// The files beneath `directory`, whose own path may lead through links. Nothing is read before
    /// the first request.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self {
            reads: Bulkhead::new(&directory, READ_THREADS, READ_TIMEOUT),
            directory: Arc::new(directory),
            refused: Arc::default(),
            on_refusal: Arc::new(|refusal| tracing::warn!(%refusal, "a file is not served")),
        }
    }

    /// Sets the time that a read of the directory may take: 30 seconds by default.
    #[must_use]
    pub fn with_read_timeout(mut self, limit: Duration) -> Self {
        self.reads = self.reads.with_limit(limit);
        self
    }

    /// Sets the function that gets each refused link once, as an error that names its path. The
    /// default writes to [`tracing`].
    #[must_use]
    pub fn on_refusal(mut self, on_refusal: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.on_refusal = Arc::new(on_refusal);
        self
    }

    /// Returns true if the server has a file at this path.
    pub async fn has(&self, path: impl AsRef<Path>) -> bool {
        self.clone().find(path.as_ref().to_owned()).await.is_ok()
    }

    async fn find(self, path: PathBuf) -> io::Result<fs::File> {
        let directory = self.directory.clone();
        let find = {
            let path = path.clone();
            move || Directory::open(directory.as_path())?.file_through_links(path)
        };
        let found = match self.reads.run(find).await {
            Ok(found) => found,
            Err(hung) => Err(hung),
        };
        match found {
            Ok(Some(file)) => Ok(file),
            Ok(None) | Err(Error::NotAFile { .. }) => Err(io::ErrorKind::NotFound.into()),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotADirectory => {
                Err(io::ErrorKind::NotFound.into())
            }
            Err(Error::Io { source, .. }) => Err(source),
            Err(refusal @ Error::SymbolicLink { .. }) => {
                self.tell(path, &refusal);
                Err(io::ErrorKind::NotFound.into())
            }
            Err(hung @ Error::NoAnswer { .. }) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, hung))
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn tell(&self, path: PathBuf, refusal: &Error) {
        let is_new = {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.len() < REFUSALS && refused.insert(path)
        };
        if is_new {
            (self.on_refusal)(refusal);
        }
    }
}

impl fmt::Debug for FilesBeneath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilesBeneath").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// A future in a box.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

impl Backend for FilesBeneath {
    type File = ServedFile;
    type Metadata = Metadata;
    type OpenFuture = Boxed<'static, ServedFile>;
    type MetadataFuture = Boxed<'static, Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let (files, reads) = (self.clone(), self.reads.clone());
        Box::pin(async move { Ok(ServedFile(GuardedFile::new(files.find(path).await?, reads))) })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let file = self.open(path);
        Box::pin(async move { file.await?.0.metadata().await })
    }
}

/// A file that [`FilesBeneath`] opened.
#[derive(Debug)]
pub struct ServedFile(GuardedFile);

impl File for ServedFile {
    type Metadata = Metadata;
    type MetadataFuture<'a> = Boxed<'a, Metadata>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        Box::pin(self.0.metadata())
    }
}

impl AsyncRead for ServedFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncSeek for ServedFile {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.0).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_complete(context)
    }
}
