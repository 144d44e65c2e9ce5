//! One build at a time writes into a state directory.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use netboot_core::{Context, Event};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::Error;
use crate::stop::NAME;
use crate::stop::Stop;

/// How long to wait before the lock is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// Held while derivations are built and their logs recorded. Without it, a build that waits inside
/// Nix for what another one builds would go on before that one has recorded its log.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Waits for the lock of the directory `state`, which has to exist. It is given back when this
    /// is dropped, and by the system when the process ends.
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
