//! Runs a program to its end.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::time::Instant;

use crate::command::Command;
use crate::error::Error;
use crate::group::ProcessGroup;
use crate::last_lines::LastLines;
use crate::lines::{OnLine, read_lines};

/// The time for which the pipes of a program that has ended are read. Another process may hold
/// them, for example a shared connection that ssh left behind.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(2);

/// The result of a program that ended by itself, with success or without.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished {
    /// The exit status.
    pub status: ExitStatus,
    /// The bytes of standard output; empty if they were given to
    /// [`on_output_line`](Command::on_output_line).
    pub output: Vec<u8>,
    /// The last lines of standard error.
    pub last_lines: LastLines,
}

type Input<'a> = Pin<Box<dyn AsyncRead + Send + 'a>>;

impl Command<'_> {
    /// Runs the program to its end, without input.
    ///
    /// When `cancelled` completes, the program gets SIGTERM, and after the grace time SIGKILL.
    /// Dropping the future does the same in the background. If `cancelled` is complete already,
    /// the program is not started.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use netboot_process::{Command, Error};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let cancelled = tokio::time::sleep(Duration::from_millis(50));
    /// let error = Command::new("sleep").arg("600").run(cancelled).await.unwrap_err();
    /// assert!(matches!(error, Error::Cancelled { .. }));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Start`], [`Error::Output`], [`Error::TooMuchOutput`], and after the program has
    /// ended [`Error::TimedOut`] and [`Error::Cancelled`]. A program that fails is no error: see
    /// [`Finished::status`].
    pub async fn run(self, cancelled: impl Future<Output = ()>) -> Result<Finished, Error> {
        self.run_to_end(None, cancelled).await
    }

    /// Runs the program to its end with `input` as its standard input, as [`run`](Self::run) does.
    ///
    /// If the program closes its input early, the rest of `input` is not read.
    ///
    /// ```
    /// use netboot_process::Command;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let input = &b"some text"[..];
    /// let finished = Command::new("cat").run_with_input(input, std::future::pending()).await?;
    /// assert_eq!(finished.output, input);
    /// # Ok::<(), netboot_process::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`run`](Self::run). [`Error::Input`] if `input` cannot be read; the program is
    /// ended then.
    pub async fn run_with_input(
        self,
        input: impl AsyncRead + Send,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Finished, Error> {
        self.run_to_end(Some(Box::pin(input)), cancelled).await
    }

    async fn run_to_end(
        self,
        input: Option<Input<'_>>,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Finished, Error> {
        let mut cancelled = pin!(cancelled);
        tokio::select! {
            biased;
            () = &mut cancelled => return Err(Error::Cancelled { program: self.program }),
            () = std::future::ready(()) => {}
        }
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let (mut child, mut group) = self.spawn(stdin, Stdio::piped())?;
        let Self { program, grace, line_limit, output_limit, time_limit, .. } = self;
        let (on_output_line, on_error_line) = (self.on_output_line, self.on_error_line);
        let failed = |source| Error::Output { program: program.clone(), source };

        // The output of a program that is being ended is read and dropped, so that the program is
        // not stopped by a full pipe.
        let (is_cancelled, is_late) = (AtomicBool::new(false), AtomicBool::new(false));
        let (mut output, mut last_lines) = (Vec::new(), LastLines::default());
        let reading = read_pipes(
            (child.stdout.take(), on_output_line, (&mut output, output_limit)),
            (child.stderr.take(), on_error_line, &mut last_lines),
            line_limit,
            &is_cancelled,
        );
        let reading = async {
            reading.await.map_err(|unread| match unread {
                Unread::Failed(source) => failed(source),
                Unread::TooMuch => {
                    Error::TooMuchOutput { program: program.clone(), limit: output_limit }
                }
            })
        };
        let feeding = feed(input, child.stdin.take());
        let feeding = async {
            let failed = |source| Error::Input { program: program.clone(), source };
            feeding.await.map_err(failed)
        };
        let waiting = async { child.wait().await.map_err(failed) };
        let cancelling = async {
            tokio::select! {
                () = cancelled => {}
                () = until(time_limit.map(|limit| Instant::now() + limit)) => {
                    is_late.store(true, Ordering::Relaxed);
                }
            }
            is_cancelled.store(true, Ordering::Relaxed);
        };
        let status = supervise(&mut group, grace, cancelling, reading, feeding, waiting).await?;
        if is_cancelled.load(Ordering::Relaxed) {
            // Dropping the group ends what the program left behind.
            return Err(match time_limit.filter(|_| is_late.load(Ordering::Relaxed)) {
                Some(limit) => Error::TimedOut { program, limit },
                None => Error::Cancelled { program },
            });
        }
        group.forget();
        Ok(Finished { status, output, last_lines })
    }
}

/// Waits until the program has ended and its pipes have been read, and ends the group when
/// `cancelling` completes.
async fn supervise(
    group: &mut ProcessGroup,
    grace: Duration,
    cancelling: impl Future<Output = ()>,
    reading: impl Future<Output = Result<(), Error>>,
    feeding: impl Future<Output = Result<(), Error>>,
    waiting: impl Future<Output = Result<ExitStatus, Error>>,
) -> Result<ExitStatus, Error> {
    let (mut cancelling, mut reading) = (pin!(cancelling), pin!(reading));
    let (mut feeding, mut waiting) = (pin!(feeding), pin!(waiting));
    let (mut is_cancelled, mut is_read, mut is_fed) = (false, false, false);
    let (mut status, mut deadline) = (None, None);
    loop {
        if let Some(status) = status.filter(|_| is_read) {
            return Ok(status);
        }
        tokio::select! {
            biased;
            () = &mut cancelling, if !is_cancelled => {
                is_cancelled = true;
                group.terminate();
                deadline.get_or_insert(Instant::now() + grace);
            }
            read = &mut reading, if !is_read => {
                read?;
                is_read = true;
            }
            fed = &mut feeding, if !is_fed => {
                fed?;
                is_fed = true;
            }
            ended = &mut waiting, if status.is_none() => {
                status = Some(ended?);
                deadline = Some(Instant::now() + DRAIN_TIME);
            }
            () = until(deadline) => {
                // Either the program does not end, or another process holds its pipes.
                group.kill();
                is_read |= status.is_some();
                deadline = None;
            }
        }
    }
}

/// The reason why the pipes of a program were not read to their ends.
enum Unread {
    Failed(io::Error),
    /// Standard output was longer than its limit.
    TooMuch,
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Reads standard output and standard error to their ends, both at the same time. The output comes
/// with its limit.
async fn read_pipes(
    (stdout, mut on_output_line, (output, output_limit)): (
        Option<ChildStdout>,
        Option<OnLine<'_>>,
        (&mut Vec<u8>, usize),
    ),
    (stderr, mut on_error_line, last_lines): (
        Option<ChildStderr>,
        Option<OnLine<'_>>,
        &mut LastLines,
    ),
    line_limit: usize,
    is_cancelled: &AtomicBool,
) -> Result<(), Unread> {
    let read_output = async {
        match (stdout, &mut on_output_line) {
            (Some(stdout), Some(on_line)) => {
                let on_line = |line: &str| {
                    if !is_cancelled.load(Ordering::Relaxed) {
                        on_line(line);
                    }
                };
                Ok(read_lines(stdout, line_limit, on_line).await?)
            }
            (Some(stdout), None) => {
                let limit = u64::try_from(output_limit).unwrap_or(u64::MAX);
                stdout.take(limit.saturating_add(1)).read_to_end(output).await?;
                if output.len() > output_limit { Err(Unread::TooMuch) } else { Ok(()) }
            }
            (None, _) => Ok(()),
        }
    };
    let read_errors = async {
        let Some(stderr) = stderr else { return Ok(()) };
        let on_line = |line: &str| {
            if !is_cancelled.load(Ordering::Relaxed) {
                last_lines.push(line);
                if let Some(on_line) = &mut on_error_line {
                    on_line(line);
                }
            }
        };
        Ok(read_lines(stderr, line_limit, on_line).await?)
    };
    tokio::try_join!(read_output, read_errors).map(drop)
}

/// Copies `input` to the program and closes the pipe.
async fn feed(input: Option<Input<'_>>, stdin: Option<ChildStdin>) -> io::Result<()> {
    let (Some(mut input), Some(mut stdin)) = (input, stdin) else { return Ok(()) };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = input.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        match stdin.write_all(&buffer[..length]).await {
            // The program closed its input. Its status tells why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
