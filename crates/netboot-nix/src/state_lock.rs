//! A lock, so that one build at a time writes into a state directory.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use netboot_core::{Context, Event};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::Error;
use crate::stop::NAME;
use crate::stop::Stop;

/// The time between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(100);

/// Held while Nix builds and Netboot records logs. Without the lock, a build could wait inside Nix
/// for a derivation of another build, and go on before the other build has recorded the log.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Waits for the lock of the directory `state`, which must exist. Dropping this value releases
    /// the lock, and so does the end of the process.
    pub(crate) async fn acquire(state: &Path, context: &Context) -> Result<Self, Stop> {
        let path = state.join("lock");
        let failed = |source| Error::io("lock", &path, source);
        let options = File::options().write(true).create(true).truncate(false).open(&path);
        let file = options.map_err(failed)?;
        let mut is_waiting = false;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _file: file }),
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(error) => return Err(failed(error.into()).into()),
            }
            if !std::mem::replace(&mut is_waiting, true) {
                let line = format!("waiting for the build that uses {}", state.display());
                context.emit(Event::Log { profile: None, origin: NAME.to_owned(), line });
            }
            tokio::select! {
                () = context.cancellation().cancelled() => return Err(Stop::Cancelled),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}
