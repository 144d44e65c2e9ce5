//! The way to the worker of the disk cache.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::disk_cache::options::Notice;
use crate::disk_cache::request::Request;

/// The way to the worker, for all threads.
pub(crate) struct Link {
    address: SocketAddr,
    patience: Duration,
    worker: Mutex<Child>,
    is_given_up: AtomicBool,
    notice: Arc<Notice>,
}

impl Link {
    pub(crate) fn new(
        address: SocketAddr,
        patience: Duration,
        worker: Child,
        notice: Arc<Notice>,
    ) -> Self {
        let (worker, is_given_up) = (Mutex::new(worker), AtomicBool::new(false));
        Self { address, patience, worker, is_given_up, notice }
    }

    /// Connects to the worker. `patience` is the time limit for each answer.
    pub(crate) fn connect(&self, patience: Duration) -> io::Result<UnixStream> {
        let stream = UnixStream::connect_addr(&self.address)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(stream)
    }

    /// The time limit for each step of the disk.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Tells the caller a reason.
    pub(crate) fn tell(&self, reason: &str) {
        (self.notice)(reason);
    }

    /// Sends a request with its bytes on a connection of its own. Returns the connection and the
    /// worker's yes or no.
    pub(crate) fn ask(&self, request: &Request, bytes: &[u8]) -> Option<(UnixStream, bool)> {
        if self.is_given_up() {
            return None;
        }
        let asked = || -> io::Result<(UnixStream, bool)> {
            let mut stream = self.connect(self.patience)?;
            request.send(&mut stream)?;
            stream.write_all(bytes)?;
            let mut answer = [0];
            stream.read_exact(&mut answer)?;
            Ok((stream, answer != [0]))
        };
        asked().map_err(|error| self.give_up(&error)).ok()
    }

    /// Ends the use of the cache: the worker does not answer, or is gone.
    pub(crate) fn give_up(&self, error: &io::Error) {
        if self.stop() {
            let reason = if is_timeout(error) {
                format!("the disk did not answer for {} s", self.patience.as_secs())
            } else {
                "its worker ended".to_owned()
            };
            (self.notice)(&format!("{reason}; the boot goes on with the network"));
        }
    }

    /// Ends the worker. Returns false if that was done before.
    pub(crate) fn stop(&self) -> bool {
        let is_first = !self.is_given_up.swap(true, Ordering::Relaxed);
        if is_first {
            // A worker that waits for its disk ends only when the disk answers. So nobody may wait
            // for the worker.
            let _ = self.worker().kill();
            let _ = self.worker().try_wait();
        }
        is_first
    }

    /// Waits for the end of the worker, as long as the disk may take for a step.
    pub(crate) fn wait(&self) {
        let start = Instant::now();
        while matches!(self.worker().try_wait(), Ok(None)) && start.elapsed() < self.patience {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Asks nothing more. The worker ends by itself.
    pub(crate) fn leave(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    pub(crate) fn worker(&self) -> MutexGuard<'_, Child> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Returns true if an error of a socket is its time limit.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
