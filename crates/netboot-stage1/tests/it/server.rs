//! A web server that does what a test says.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request for a file.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) target: String,
    /// The first byte that the client wants.
    pub(crate) from: Option<usize>,
    /// The number of requests for this target until now, from 1.
    pub(crate) nth: usize,
}

/// The server's answer to a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Sends the file, or the part that the client wants.
    File,
    /// Sends the whole file, whatever the client wants.
    WholeFile,
    /// Sends the file with one bit changed in this byte.
    Flipped(usize),
    /// Sends the head, so many bytes of the file, and closes the connection.
    Cut(usize),
    /// Sends these bytes instead of an answer.
    Raw(Vec<u8>),
    /// Sends these bytes at first, and then a byte now and then, without end.
    Drip(Vec<u8>),
    /// Sends these bytes without end.
    Endless(Vec<u8>),
}

type Rule = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server for the files in a directory. It stops when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    root: PathBuf,
    rule: Box<Rule>,
    is_closed: AtomicBool,
    connections: AtomicUsize,
    requests: Mutex<HashMap<String, usize>>,
    open: Mutex<Vec<TcpStream>>,
}

/// Makes an answer with a length.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

impl Server {
    /// Starts a server that sends each file as it is.
    pub(crate) fn honest(root: PathBuf) -> Self {
        Self::new(root, |_| Reply::File)
    }

    /// Starts a server that asks a rule about each request.
    pub(crate) fn new(
        root: PathBuf,
        rule: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), root, rule)
    }

    pub(crate) fn at(
        listener: TcpListener,
        root: PathBuf,
        rule: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            root,
            rule: Box::new(rule),
            is_closed: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            requests: Mutex::default(),
            open: Mutex::default(),
        });
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.is_closed.load(Ordering::SeqCst) {
                    break;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                shared.open.lock().unwrap().push(stream.try_clone().unwrap());
                let shared = shared.clone();
                thread::spawn(move || {
                    // The client may close the connection at any time.
                    let _ = shared.serve(&stream);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of connections until now.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The number of requests until now.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.lock().unwrap().values().sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.is_closed.store(true, Ordering::SeqCst);
        // Wakes the thread that listens.
        drop(TcpStream::connect(self.address));
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl State {
    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut stream = stream;
        stream.set_nodelay(true)?;
        while let Some(request) = self.read(&mut reader)? {
            let reply = (self.rule)(&request);
            let file = fs::read(self.root.join(request.target.trim_start_matches('/')));
            let Ok(mut file) = file else {
                match reply {
                    Reply::Raw(bytes) => stream.write_all(&bytes)?,
                    _ => stream.write_all(&answer("404 Not Found", "", b"no such file"))?,
                }
                continue;
            };
            match reply {
                Reply::File => stream.write_all(&part(&file, request.from))?,
                Reply::WholeFile => stream.write_all(&part(&file, None))?,
                Reply::Flipped(at) => {
                    file[at] ^= 0x10;
                    stream.write_all(&part(&file, request.from))?;
                }
                Reply::Cut(after) => {
                    let answer = part(&file, request.from);
                    let from = request.from.unwrap_or_default();
                    let head = answer.len() - (file.len() - from);
                    return stream.write_all(&answer[..answer.len().min(head + after)]);
                }
                Reply::Raw(bytes) => stream.write_all(&bytes)?,
                Reply::Drip(bytes) => {
                    stream.write_all(&bytes)?;
                    loop {
                        thread::sleep(Duration::from_millis(20));
                        stream.write_all(b"x")?;
                    }
                }
                Reply::Endless(bytes) => loop {
                    stream.write_all(&bytes)?;
                },
            }
        }
        Ok(())
    }

    /// Reads the head of a request. Returns `None` at the end of the connection.
    fn read(&self, reader: &mut impl BufRead) -> io::Result<Option<Request>> {
        let (mut target, mut from) = (String::new(), None);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let lower = line.trim_end().to_ascii_lowercase();
            if target.is_empty() {
                line.split(' ').nth(1).unwrap_or_default().clone_into(&mut target);
            } else if let Some(range) = lower.strip_prefix("range: bytes=") {
                from = range.strip_suffix('-').and_then(|from| from.parse().ok());
            } else if lower.is_empty() {
                let mut requests = self.requests.lock().unwrap();
                let nth = requests.entry(target.clone()).or_default();
                *nth += 1;
                return Ok(Some(Request { target, from, nth: *nth }));
            }
        }
    }
}

/// The answer with a file, or with its rest.
fn part(file: &[u8], from: Option<usize>) -> Vec<u8> {
    let Some(from) = from else { return answer("200 OK", "", file) };
    let range = format!("Content-Range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len());
    answer("206 Partial Content", &range, &file[from..])
}
