//! The disk cache: compressed blobs on a file system with a label, from one boot to the next.
//!
//! The cache lies in the directory `netboot-blobs` of the first file system with the label. A blob
//! has its digest as its name, as at a target. The disk needs no trust: whoever reads a blob hashes
//! it, and a damaged one is discarded and fetched again. Nothing else on the file system is read,
//! written or deleted, and no file system is ever made.
//!
//! # A disk never stops a boot
//! A disk that is dying can keep a thread waiting in the kernel, where nothing can end it, so a
//! process with such a thread cannot exit. For this reason a child process does all that touches
//! the disk ([`worker`]), and this process talks to it with a time limit. When the limit has
//! passed, the cache is given up and the boot goes on with the network.
//!
//! # Power cuts
//! A blob is written into a file without a name and gets its name when it is complete, so nothing
//! is left of an unfinished one. Nothing is flushed for each blob: after a power cut a blob can be
//! short or have zeros in it, and its digest tells. Everything is flushed once at the end.
//!
//! # What an initrd needs
//! - The driver of the disk, and the module of its file system: ext4, XFS or Btrfs. Labels are read
//!   from the disks themselves, so udev is not needed.
//! - `/sys`, and `/dev` as a devtmpfs.
//! - Linux 5.6 or newer.

mod blob_directory;
mod budget;
mod disk;
mod link;
mod options;
mod reader;
mod request;
mod said;
pub mod worker;
mod writer;

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::SystemTime;

use netboot_closure::Sha256;

use self::link::{Link, is_timeout};
pub use self::options::{DiskCacheOptions, Notice};
use self::reader::CachedBlob;
use self::request::{FINISH, Opened, Request};
use self::writer::CacheWriter;
use crate::blob_cache::{BlobCache, BlobWriter};

/// The longest line of the worker that is passed on, in bytes.
const LONGEST_LINE: u64 = 1024;

/// A disk cache that is in use.
///
/// Dropping it without [`finish`](Self::finish) ends the worker at once.
pub struct DiskCache {
    link: Arc<Link>,
    control: UnixStream,
    /// Ends when the worker's last line was told.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl DiskCache {
    /// Looks for the file system and mounts it, where only the worker sees it. Returns `None` if
    /// there is no such file system. If it cannot be used, `notice` is told the reason too.
    pub fn open(options: &DiskCacheOptions, notice: &Arc<Notice>) -> Option<Self> {
        let cache = Self::start(options, notice.clone());
        cache.unwrap_or_else(|error| {
            notice(&format!("its worker cannot be started: {error}"));
            None
        })
    }

    fn start(options: &DiskCacheOptions, notice: Arc<Notice>) -> io::Result<Option<Self>> {
        let address = unused_address()?;
        let listener = UnixListener::bind_addr(&address)?;
        let (program, arguments) = &options.program;
        let mut command = Command::new(program);
        command.args(arguments).args(worker::arguments(options));
        command.stdin(OwnedFd::from(listener)).stdout(Stdio::piped());
        let mut worker = command.spawn()?;
        let lines = worker.stdout.take();
        let link = Arc::new(Link::new(address, options.patience, worker, notice));
        let (ending, ended) = mpsc::channel::<()>();
        if let Some(lines) = lines {
            let link = link.clone();
            let listen = std::thread::Builder::new().name("disk cache".into());
            listen.spawn(move || {
                pass_on(BufReader::new(lines), &link);
                drop(ending);
            })?;
        }
        // The worker sees the end of this process by the end of this connection.
        let mut control = link.connect(options.wait.saturating_add(options.patience))?;
        let mut opened = [0];
        match control.read_exact(&mut opened) {
            Ok(()) if opened == [Opened::Yes.byte()] => {
                Ok(Some(Self { link, control, ended: Mutex::new(ended) }))
            }
            Ok(()) => {
                // Its reason is told before the boot goes on. A disk that hangs can keep the worker
                // from ending, so nobody waits for that without a limit.
                let _ = ended.recv_timeout(options.patience);
                link.stop();
                Ok(None)
            }
            Err(error) => {
                link.give_up(&error);
                Ok(None)
            }
        }
    }

    /// Tells the cache which blobs the present boot needs. Others are deleted first, when there is
    /// no room.
    pub fn need(&self, blobs: impl IntoIterator<Item = Sha256>) {
        let bytes: Vec<u8> = blobs.into_iter().flat_map(|blob| *blob.as_bytes()).collect();
        let length = bytes.len() as u64;
        // Without the answer, the cache is only less useful.
        let _ = self.link.ask(&Request::Need { length }, &bytes);
    }

    /// Opens a blob whose size in bytes is in a range, such as an index.
    pub fn open_sized(
        &self,
        digest: &Sha256,
        sizes: RangeInclusive<u64>,
    ) -> Option<Box<dyn Read + Send>> {
        let (least, most) = sizes.into_inner();
        let request = Request::Read { digest: *digest, least, most };
        let (mut stream, answer) = self.link.ask(&request, &[])?;
        if !answer {
            return None;
        }
        let mut size = [0; 8];
        stream.read_exact(&mut size).ok()?;
        let size = u64::from_le_bytes(size);
        Some(Box::new(CachedBlob::new(stream, size, self.link.clone())))
    }

    /// Writes everything to the disk and unmounts it. Returns when that is done, or when the time
    /// limit has passed. Then the worker goes on by itself.
    /// Afterwards the cache has nothing and keeps nothing.
    pub fn finish(&self) {
        if self.link.is_given_up() {
            return;
        }
        let mut control = &self.control;
        let asked = control.write_all(&[FINISH]);
        let _ = control.set_read_timeout(Some(self.link.patience()));
        let mut done = [0];
        match asked.and_then(|()| control.read_exact(&mut done)) {
            Ok(()) => {
                // Its last lines are told, and the disk is free, before the boot goes on.
                let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = ended.recv_timeout(self.link.patience());
                self.link.wait();
                self.link.stop();
            }
            Err(error) if is_timeout(&error) => {
                self.link.leave();
                self.link.tell("it is still being written; the boot goes on meanwhile");
            }
            Err(error) => self.link.give_up(&error),
        }
    }

    /// The id of the worker's process.
    pub fn worker_id(&self) -> u32 {
        self.link.worker().id()
    }
}

impl fmt::Debug for DiskCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskCache").field("link", &self.link).finish_non_exhaustive()
    }
}

impl BlobCache for DiskCache {
    fn open(&self, digest: &Sha256, size: u64) -> Option<Box<dyn Read + Send>> {
        self.open_sized(digest, size..=size)
    }

    fn discard(&self, digest: &Sha256) {
        let _ = self.link.ask(&Request::Discard { digest: *digest }, &[]);
    }

    fn writer(&self, digest: &Sha256, size: u64) -> Option<Box<dyn BlobWriter>> {
        let (stream, answer) = self.link.ask(&Request::Write { digest: *digest, size }, &[])?;
        answer.then(|| -> Box<dyn BlobWriter> {
            Box::new(CacheWriter::new(stream, size, self.link.clone()))
        })
    }
}

/// Tells the lines of the worker to the caller.
fn pass_on(mut texts: impl BufRead, link: &Link) {
    let mut text = String::new();
    while let Ok(length) = (&mut texts).take(LONGEST_LINE).read_line(&mut text) {
        if length == 0 {
            return;
        }
        link.tell(text.trim_end());
        text.clear();
    }
}

/// An address of this machine that nobody listens on. It is no file, so nothing of it is left.
fn unused_address() -> io::Result<SocketAddr> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    SocketAddr::from_abstract_name(format!("netboot-cache-{process}-{count}-{}", now.as_nanos()))
}
