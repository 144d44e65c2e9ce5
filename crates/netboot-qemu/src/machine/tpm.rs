//! A TPM that swtpm emulates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_process::{Child, Command};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::error::Error;
use crate::machine::process::locate;

/// The directory with the TPM's state, within the machine's directory.
const STATE: &str = "tpm";

/// The time between two checks that swtpm listens.
const POLL: Duration = Duration::from_millis(10);

/// A running swtpm with new state. Dropping it kills swtpm.
#[derive(Debug)]
pub(super) struct Tpm {
    program: PathBuf,
    child: Child,
    socket: PathBuf,
}

impl Tpm {
    /// Starts swtpm, and waits until it listens, at most for this time. It works in the machine's
    /// directory.
    pub(super) async fn start(
        program: &Path,
        scratch: &TempDir,
        limit: Duration,
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + limit;
        let program =
            locate(program).ok_or_else(|| Error::TpmMissing { program: program.to_owned() })?;
        // It works in another directory.
        let program = std::path::absolute(&program).map_err(|source| Error::Io {
            action: "find",
            path: program,
            source,
        })?;
        let state = scratch.path().join(STATE);
        tokio::fs::create_dir(&state).await.map_err(|source| Error::Io {
            action: "make",
            path: state.clone(),
            source,
        })?;
        // The path of a socket has 107 bytes at most, and temporary directories can be long.
        let (number, ..) = Uuid::new_v4().as_fields();
        let socket = format!("tpm-{number:08x}");
        // The paths are relative, because commas separate swtpm's options.
        let mut child = Command::new(&program)
            .current_dir(scratch.path())
            .grace(Duration::ZERO)
            .args(["socket", "--tpm2", "--terminate", "--tpmstate", &format!("dir={STATE}")])
            .args(["--ctrl", &format!("type=unixio,path={socket}")])
            .on_error_line(|line| tracing::debug!(line, "swtpm"))
            .start()
            .map_err(|error| Error::Spawn { program: program.clone(), source: error.into() })?;
        while !listens(&socket).await {
            let lost = |error: netboot_process::Error| Error::Console {
                program: program.clone(),
                source: error.into(),
            };
            let has_ended = child.try_wait().map_err(lost)?.is_some();
            if has_ended {
                // Then its last words are read.
                child.wait().await.map_err(lost)?;
            }
            if has_ended || Instant::now() > deadline {
                let stderr = child.last_lines().into();
                return Err(Error::TpmFailed { program, stderr });
            }
            sleep(POLL).await;
        }
        Ok(Self { program, child, socket: scratch.path().join(socket) })
    }

    /// The path of the socket where QEMU reaches the TPM.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Kills swtpm and waits until it has ended.
    pub(super) async fn end(self) -> Result<(), Error> {
        let Self { program, child, .. } = self;
        let ended = child.terminate(Duration::ZERO).await;
        ended.map(drop).map_err(|error| Error::Console { program, source: error.into() })
    }
}

/// Returns true if a process listens on a Unix socket with this path. A connection would tell too,
/// but swtpm ends with its first one.
async fn listens(path: &str) -> bool {
    let table = tokio::fs::read_to_string("/proc/net/unix").await.unwrap_or_default();
    table.lines().any(|line| is_listener(line, path))
}

/// Returns true if a line of Linux's table is a listening socket (`unix_seq_show` in
/// `net/unix/af_unix.c`): its fourth column is `__SO_ACCEPTCON`.
fn is_listener(line: &str, path: &str) -> bool {
    let mut columns = line.split_whitespace();
    columns.nth(3) == Some("00010000") && columns.next_back() == Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_only_has_its_name_does_not_listen() {
        let listening = "ffff8c: 00000002 00000000 00010000 0001 01 24817 tpm-1";
        assert!(is_listener(listening, "tpm-1") && !is_listener(listening, "tpm-2"));
        assert!(!is_listener(&listening.replace("00010000", "00000000"), "tpm-1"));
        assert!(!is_listener("", "tpm-1"));
    }
}
