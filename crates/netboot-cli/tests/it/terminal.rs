//! The program on a terminal: a pseudo-terminal of a certain width.

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

/// The rows of every terminal here.
const ROWS: u16 = 24;

/// `netboot` on a terminal.
pub(crate) struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    screen: Arc<Mutex<Screen>>,
    reader: JoinHandle<()>,
}

/// The content of the terminal, and everything that the program wrote.
struct Screen {
    parser: vt100::Parser,
    written: Vec<u8>,
}

/// A terminal after the end of its program.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The lines that are left, without empty ones at the end.
    pub(crate) left: Vec<String>,
    /// The bytes that the program wrote, as text.
    pub(crate) written: String,
}

impl Terminal {
    /// Starts `netboot` on a terminal of `columns` columns.
    pub(crate) fn start(
        columns: u16,
        directory: &Path,
        arguments: &[&str],
        environment: &[(OsString, OsString)],
    ) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, columns)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_netboot"))
            .args(arguments)
            .current_dir(directory)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .envs(environment.iter().cloned())
            .spawn(pts)
            .unwrap();
        let parser = vt100::Parser::new(ROWS, columns, 0);
        let screen = Arc::new(Mutex::new(Screen { parser, written: Vec::new() }));
        let pty = Arc::new(pty);
        let (from, to) = (pty.clone(), screen.clone());
        let reader = std::thread::spawn(move || read(&from, &to));
        Self { child, pty, screen, reader }
    }

    /// The lines on the screen, without empty ones at the end.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.screen.lock().unwrap().parser)
    }

    /// Waits until the screen shows what is looked for, and returns its lines.
    pub(crate) fn until(&self, what: &str, is_shown: impl Fn(&[String]) -> bool) -> Vec<String> {
        let begin = Instant::now();
        loop {
            let lines = self.lines();
            if is_shown(&lines) {
                return lines;
            }
            assert!(begin.elapsed() < Duration::from_secs(240), "no {what}: {lines:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        (&*self.pty).write_all(b"\x03").unwrap();
    }

    /// Waits for the end of the program.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let screen = self.screen.lock().unwrap();
        let written = String::from_utf8_lossy(&screen.written).into_owned();
        Ended { status, left: lines(&screen.parser), written }
    }
}

fn lines(parser: &vt100::Parser) -> Vec<String> {
    let (_, columns) = parser.screen().size();
    let mut lines: Vec<String> =
        parser.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect();
    let used = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    lines.truncate(used);
    lines
}

/// Reads until the program has closed the terminal.
fn read(mut from: &Pty, to: &Mutex<Screen>) {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                let mut screen = to.lock().unwrap();
                screen.parser.process(&buffer[..read]);
                screen.written.extend_from_slice(&buffer[..read]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Linux answers so after the last process has closed the terminal.
            Err(_) => return,
        }
    }
}
