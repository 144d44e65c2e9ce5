//! Runs `rsync`: both pipes drained, its whole process group ended with us.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use netboot_core::Context;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::Instant;

use super::process_group::ProcessGroup;

/// How many lines of standard error are kept for an error.
const LAST_LINES: usize = 20;

/// The longest line that is kept, in bytes.
const LINE_LIMIT: usize = 16 * 1024;

/// How long the output of a program that ended is still waited for.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a program left behind.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    /// The last lines of its standard error.
    pub(super) last_lines: Vec<String>,
}

/// Why a program has no result.
#[derive(Debug)]
pub(super) enum Stop {
    Cancelled,
    /// It could not be started, or not be listened to.
    Spawn(io::Error),
}

/// A program, the directory it runs in, and how it is ended.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [String],
    pub(super) directory: PathBuf,
    pub(super) environment: &'a [(&'static str, &'static str)],
    /// How long the program may take to end once it is asked to.
    pub(super) grace: Duration,
}

impl Run<'_> {
    /// Runs the program to its end, giving each line of its standard output to `on_line`; a line
    /// also ends where the program goes back to its begin. Ends the program when the context is
    /// cancelled or the future is dropped.
    pub(super) async fn finish(
        self,
        context: &Context,
        mut on_line: impl FnMut(&str) + Send,
    ) -> Result<Finished, Stop> {
        context.check().map_err(|_| Stop::Cancelled)?;
        let mut command = Command::new(self.program);
        for (name, _) in std::env::vars_os() {
            // These add options, shells and proxies to every rsync.
            if name.to_string_lossy().starts_with("RSYNC_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(self.arguments)
            .envs(self.environment.iter().copied())
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(Stop::Spawn)?;
        let mut group = ProcessGroup::of(&child, self.grace);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut last_lines = VecDeque::new();
        let status = {
            let mut keep = |line: &str| {
                if !line.trim().is_empty() {
                    if last_lines.len() == LAST_LINES {
                        last_lines.pop_front();
                    }
                    last_lines.push_back(line.to_owned());
                }
            };
            let mut reading = pin!(async {
                tokio::try_join!(read_lines(stdout, &mut on_line), read_lines(stderr, &mut keep))
            });
            let (mut status, mut is_read) = (None, false);
            let (mut is_cancelled, mut deadline) = (false, None);
            while status.is_none() || !is_read {
                tokio::select! {
                    read = &mut reading, if !is_read => {
                        read.map_err(Stop::Spawn)?;
                        is_read = true;
                    }
                    ended = child.wait(), if status.is_none() => {
                        status = Some(ended.map_err(Stop::Spawn)?);
                        deadline = Some(Instant::now() + LAST_WORDS);
                    }
                    () = context.cancellation().cancelled(), if !is_cancelled => {
                        is_cancelled = true;
                        group.terminate();
                        deadline.get_or_insert(Instant::now() + self.grace);
                    }
                    () = until(deadline) => {
                        // A program that does not end, or one that it left behind and that holds
                        // the pipes, as a shared connection of ssh does.
                        group.kill();
                        if status.is_some() {
                            break;
                        }
                        deadline = None;
                    }
                }
            }
            group.forget();
            status.filter(|_| !is_cancelled)
        };
        let status = status.ok_or(Stop::Cancelled)?;
        Ok(Finished { status, last_lines: last_lines.into() })
    }
}

/// Reads a pipe to its end, line by line; a carriage return ends a line too.
async fn read_lines(
    pipe: Option<impl AsyncRead + Unpin>,
    on_line: &mut (impl FnMut(&str) + Send),
) -> io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut buffer = vec![0; 16 * 1024];
    let mut line: Vec<u8> = Vec::new();
    loop {
        let read = pipe.read(&mut buffer).await?;
        for byte in &buffer[..read] {
            if matches!(byte, b'\n' | b'\r') {
                on_line(&String::from_utf8_lossy(&line));
                line.clear();
            } else if line.len() < LINE_LIMIT {
                line.push(*byte);
            }
        }
        if read == 0 {
            if !line.is_empty() {
                on_line(&String::from_utf8_lossy(&line));
            }
            return Ok(());
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
