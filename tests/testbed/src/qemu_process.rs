//! A QEMU whose console is read while it runs.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::{Error, tool};

/// A running QEMU.
///
/// Dropping it ends the machine. The machine also ends when this process ends, for whatever reason.
#[derive(Debug)]
pub(crate) struct QemuProcess {
    child: Arc<Mutex<Child>>,
    console: Receiver<Vec<u8>>,
    printed: Vec<u8>,
    reader: Option<JoinHandle<()>>,
}

impl QemuProcess {
    /// Starts `program` with these arguments, without a display and without devices but for those
    /// that the arguments name.
    pub(crate) fn start<I>(program: &Path, arguments: I) -> Result<Self, Error>
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        // The kernel kills QEMU when the thread that started it ends. That thread reads the
        // console, so it lives as long as QEMU.
        let mut command = Command::new(tool("setpriv"));
        command.args(["--pdeathsig", "KILL"]).arg(program);
        command
            .args(["-accel", "tcg", "-display", "none", "-nodefaults"])
            .args(["-no-user-config", "-serial", "stdio"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let (started, start) = mpsc::sync_channel(1);
        let (sender, console) = mpsc::channel();
        let reader = thread::spawn(move || run(command, &started, &sender));
        let child = start.recv().map_err(|_| Error::Start {
            program: "setpriv".to_owned(),
            source: std::io::ErrorKind::Other.into(),
        })??;
        Ok(Self { child, console, printed: Vec::new(), reader: Some(reader) })
    }

    /// Waits until `mark` appears on the console, and returns everything up to its end. `None` if
    /// it does not appear in time, or if the machine ends.
    pub(crate) fn read_until(&mut self, mark: &[u8], deadline: Instant) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            let found = self
                .printed
                .get(searched..)
                .and_then(|text| text.windows(mark.len()).position(|window| window == mark));
            if let Some(start) = found {
                let rest = self.printed.split_off(searched + start + mark.len());
                return Some(std::mem::replace(&mut self.printed, rest));
            }
            searched = self.printed.len().saturating_sub(mark.len());
            let patience = deadline.saturating_duration_since(Instant::now());
            match self.console.recv_timeout(patience) {
                Ok(bytes) => self.printed.extend(bytes),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// The printed text that `read_until` did not return.
    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed).into_owned()
    }
}

impl Drop for QemuProcess {
    fn drop(&mut self) {
        kill(&self.child);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Kills a child and waits for it.
fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = child.kill();
    let _ = child.wait();
}

fn run(
    mut command: Command,
    started: &SyncSender<Result<Arc<Mutex<Child>>, Error>>,
    console: &mpsc::Sender<Vec<u8>>,
) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(source) => {
            let program = command.get_program().to_string_lossy().into_owned();
            let _ = started.send(Err(Error::Start { program, source }));
            return;
        }
    };
    let output = child.stdout.take();
    let child = Arc::new(Mutex::new(child));
    let _ = started.send(Ok(Arc::clone(&child)));
    if let Some(mut output) = output {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            // The receiver is gone while the machine is dropped; the output is still read to its
            // end.
            let _ = console.send(buffer.get(..length).unwrap_or_default().to_vec());
        }
    }
    kill(&child);
}
