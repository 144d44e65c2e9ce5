//! A web server that holds back the end of large files.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

/// The bytes of a large file that come at once.
const FIRST: usize = 10 << 20;

/// A web server for a directory. It sends the first 10 MiB of a file, and the rest once it may.
pub(crate) struct SlowServer {
    port: u16,
    may_go_on: Arc<(Mutex<bool>, Condvar)>,
}

impl SlowServer {
    /// Serves the files below `root`.
    pub(crate) fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let may_go_on = Arc::new((Mutex::new(false), Condvar::new()));
        let (root, gate) = (root.to_owned(), may_go_on.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (root, gate) = (root.clone(), gate.clone());
                std::thread::spawn(move || answer(stream.unwrap(), &root, &gate));
            }
        });
        Self { port, may_go_on }
    }

    /// The URL of the directory.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Sends the rest of all files.
    pub(crate) fn go_on(&self) {
        *self.may_go_on.0.lock().unwrap() = true;
        self.may_go_on.1.notify_all();
    }
}

/// Answers one request, and ends the connection.
fn answer(mut stream: TcpStream, root: &Path, gate: &(Mutex<bool>, Condvar)) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let request = lines.next().unwrap().unwrap();
    let _ = lines.by_ref().find(|line| line.as_ref().unwrap().is_empty());
    let path = request.split(' ').nth(1).unwrap().trim_start_matches('/');
    let Ok(content) = fs::read(root.join(path)) else {
        let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(missing.as_bytes()).unwrap();
        return;
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let (first, rest) = content.split_at(FIRST.min(content.len()));
    stream.write_all(first).unwrap();
    if !rest.is_empty() {
        let may_go_on = gate.0.lock().unwrap();
        drop(gate.1.wait_while(may_go_on, |may_go_on| !*may_go_on).unwrap());
        stream.write_all(rest).unwrap();
    }
}
