//! Programs that run beside their caller.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{ChildStdin, ChildStdout};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::command::Command;
use crate::error::Error;
use crate::group::{POLL, ProcessGroup};
use crate::last_lines::LastLines;
use crate::lines::{OnLine, read_lines};
use crate::run::DRAIN_TIME;

/// A program that runs beside its caller, with everything that it started.
///
/// Dropping it ends the process group in the background: SIGTERM, and SIGKILL after the grace time.
///
/// ```
/// use std::time::Duration;
///
/// use netboot_process::Command;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let mut child = Command::new("sleep").arg("600").start()?;
/// assert!(child.try_wait()?.is_none());
/// let status = child.terminate(Duration::from_secs(5)).await?;
/// assert!(!status.success());
/// # Ok::<(), netboot_process::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Child {
    // The group is dropped first: its leader must still have its number.
    group: ProcessGroup,
    process: tokio::process::Child,
    program: PathBuf,
    readers: Vec<JoinHandle<()>>,
    last_lines: Arc<Mutex<LastLines>>,
}

/// Pipes to a program, for a conversation.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pipes {
    /// The program's standard input.
    pub input: ChildStdin,
    /// The program's standard output. The caller has to read it, or the program may wait.
    pub output: ChildStdout,
}

impl Command<'static> {
    /// Starts a program without input. Its standard output is dropped unless
    /// [`on_output_line`](Self::on_output_line) takes it, and the last lines of its standard error
    /// are kept. A task of the current runtime reads both.
    ///
    /// # Errors
    /// [`Error::Start`].
    ///
    /// # Panics
    /// If it is called outside a Tokio runtime.
    pub fn start(self) -> Result<Child, Error> {
        let stdout = if self.on_output_line.is_some() { Stdio::piped() } else { Stdio::null() };
        self.start_with(Stdio::null(), stdout)
    }

    /// Starts a program and gives its standard input and output to the caller.
    ///
    /// ```
    /// use netboot_process::Command;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let (mut child, mut pipes) = Command::new("cat").start_with_pipes()?;
    /// pipes.input.write_all(b"hello").await?;
    /// let mut answer = [0; 5];
    /// pipes.output.read_exact(&mut answer).await?;
    /// assert_eq!(&answer, b"hello");
    /// drop(pipes);
    /// assert!(child.wait().await?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Start`].
    ///
    /// # Panics
    /// If it is called outside a Tokio runtime.
    pub fn start_with_pipes(mut self) -> Result<(Child, Pipes), Error> {
        self.on_output_line = None;
        let mut child = self.start_with(Stdio::piped(), Stdio::piped())?;
        let (input, output) = (child.process.stdin.take(), child.process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            let (program, source) = (child.program.clone(), std::io::ErrorKind::BrokenPipe.into());
            return Err(Error::Start { program, source });
        };
        Ok((child, Pipes { input, output }))
    }

    fn start_with(self, stdin: Stdio, stdout: Stdio) -> Result<Child, Error> {
        let (mut child, group) = self.spawn(stdin, stdout)?;
        let last_lines = Arc::new(Mutex::new(LastLines::default()));
        let mut readers = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            let (last_lines, mut on_line) = (last_lines.clone(), self.on_error_line);
            let on_line = move |line: &str| {
                last_lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                if let Some(on_line) = &mut on_line {
                    on_line(line);
                }
            };
            readers.push(tokio::spawn(read(stderr, self.line_limit, Box::new(on_line))));
        }
        if let Some(on_line) = self.on_output_line
            && let Some(stdout) = child.stdout.take()
        {
            readers.push(tokio::spawn(read(stdout, self.line_limit, on_line)));
        }
        Ok(Child { group, process: child, program: self.program, readers, last_lines })
    }
}

async fn read(
    pipe: impl tokio::io::AsyncRead + Unpin,
    line_limit: usize,
    on_line: OnLine<'static>,
) {
    // A broken pipe has ended too.
    let _ = read_lines(pipe, line_limit, on_line).await;
}

impl Child {
    /// The number of the process, which is also that of its group. `None` once the program has
    /// ended and a method of this type has seen it.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// The status of the program, if it has ended. The rest of its group is then killed.
    ///
    /// [`wait`](Self::wait) gives the status again, after the rest of standard error was read.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        let waited = self.process.try_wait();
        let status = waited.map_err(|source| self.failed(source))?;
        if status.is_some() {
            self.end_rest();
        }
        Ok(status)
    }

    /// Waits until the program has ended by itself and its standard error has been read. The rest
    /// of its group is then killed.
    ///
    /// Dropping the future loses nothing: `wait` can be called again.
    ///
    /// # Errors
    /// [`Error::Output`].
    ///
    /// # Panics
    /// If a function that takes lines panicked. The panic goes on here.
    pub async fn wait(&mut self) -> Result<ExitStatus, Error> {
        let waited = self.process.wait().await;
        let status = waited.map_err(|source| self.failed(source))?;
        let _ = timeout(DRAIN_TIME, self.finish_reading()).await;
        self.end_rest();
        Ok(status)
    }

    /// Ends the program and waits until it has ended: SIGTERM, and SIGKILL after `grace`. With a
    /// grace time of zero the program gets SIGKILL at once.
    ///
    /// # Errors
    /// [`Error::Output`].
    ///
    /// # Panics
    /// Panics like [`wait`](Self::wait).
    pub async fn terminate(mut self, grace: Duration) -> Result<ExitStatus, Error> {
        let deadline = Instant::now() + grace;
        self.group.set_grace(grace);
        self.group.terminate();
        if !grace.is_zero() {
            // An error of the wait comes again below.
            let _ = timeout_at(deadline, self.process.wait()).await;
            while self.group.runs() && Instant::now() < deadline {
                sleep(POLL).await;
            }
            self.group.kill();
        }
        self.wait().await
    }

    /// The last lines that the program has printed to standard error until now.
    pub fn last_lines(&self) -> LastLines {
        self.last_lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn finish_reading(&mut self) {
        while let Some(reader) = self.readers.last_mut() {
            let read = reader.await;
            self.readers.pop();
            if let Err(error) = read
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
    }

    /// Kills the rest of the group, whose leader has ended.
    fn end_rest(&mut self) {
        self.group.kill();
        self.group.forget();
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::Output { program: self.program.clone(), source }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Another process may hold the pipes for long.
        self.readers.iter().for_each(JoinHandle::abort);
    }
}
