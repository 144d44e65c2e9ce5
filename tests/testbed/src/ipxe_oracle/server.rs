//! The HTTP server that an iPXE under test talks to: as small as it can be, since it must give away
//! a request's target exactly as it came, malformed or not.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Returns the server's content at a request's target; `None` is "not found".
pub type Files = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// Asked for the next script to run; the answer waits for it.
pub(super) const TURN: &str = "/turn";
/// The path of the script under test.
pub(super) const SCRIPT: &str = "/t/script.ipxe";

/// The answers of the server, and the requests that it got.
#[derive(Default)]
struct State {
    /// The machine that may ask; the connections of one that was killed are of no account.
    machine: u64,
    /// The answer to the next question for a turn.
    turn: Option<String>,
    script: Vec<u8>,
    files: Option<Files>,
    /// The targets that were asked for, the turns excepted.
    requests: Vec<Vec<u8>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    stopped: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server, on a port of its own of the loopback address.
pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    pub(super) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        let server = Self { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&shared);
                thread::spawn(move || answer_all(&stream, &shared));
            }
        });
        Ok(server)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Forgets the last machine, and everything that it asked.
    pub(super) fn expect_machine(&self) {
        let mut state = self.shared.lock();
        state.machine += 1;
        state.turn = None;
        self.shared.changed.notify_all();
    }

    /// Has the machine run `wrapper`, which chains `script`; other targets are in `files`.
    pub(super) fn give(&self, wrapper: String, script: &[u8], files: Files) {
        let mut state = self.shared.lock();
        state.turn = Some(wrapper);
        script.clone_into(&mut state.script);
        state.files = Some(files);
        state.requests.clear();
        self.shared.changed.notify_all();
    }

    /// The requests since then, with the wrapper's question for the script.
    pub(super) fn requests(&self) -> Vec<Vec<u8>> {
        self.shared.lock().requests.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.expect_machine();
        // The listener sees that it is stopped when somebody comes.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn answer_all(stream: &TcpStream, shared: &Shared) {
    // A client that goes away ends its thread, whatever it was about.
    let Ok(reading) = stream.try_clone() else { return };
    let mut reader = BufReader::new(reading);
    while let Ok(Some(target)) = read_request(&mut reader) {
        if answer(stream, &target, shared).is_err() {
            return;
        }
    }
}

/// The target of a request.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut request_line = Vec::new();
    if reader.read_until(b'\n', &mut request_line)? == 0 {
        return Ok(None);
    }
    let mut header = Vec::new();
    while reader.read_until(b'\n', &mut header)? > 2 {
        header.clear();
    }
    // A target has no space, unless the client is broken: whatever stands there is told.
    let line = request_line.trim_ascii_end();
    let line = line.strip_suffix(b" HTTP/1.1").unwrap_or(line);
    Ok(Some(line.strip_prefix(b"GET ").unwrap_or(line).to_vec()))
}

fn answer(mut stream: &TcpStream, target: &[u8], shared: &Shared) -> io::Result<()> {
    let body = if target == TURN.as_bytes() {
        let mut state = shared.lock();
        let machine = state.machine;
        let turn = loop {
            if shared.stopped.load(Ordering::SeqCst) || state.machine != machine {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if let Some(turn) = state.turn.take() {
                break turn;
            }
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        Some(turn.into_bytes())
    } else {
        let mut state = shared.lock();
        state.requests.push(target.to_vec());
        if target == SCRIPT.as_bytes() {
            Some(state.script.clone())
        } else {
            state.files.as_ref().and_then(|files| files(target))
        }
    };
    let (status, body) = match body {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    // In one piece, so that it is one packet.
    stream.write_all(&[head.as_bytes(), &body].concat())
}
