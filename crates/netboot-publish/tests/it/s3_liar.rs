//! A server that gives the answers of a test, to whatever it is asked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use netboot_publish::S3StoreBuilder;

use crate::s3::builder_at;

/// A request: its method, its target, and its body.
pub(crate) type Asked = (String, String, String);

/// A server of lies. It ends with the test.
pub(crate) struct Liar {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Liar {
    /// Starts a server. The lie returns the status, header lines with their `\r\n`, and the body.
    pub(crate) fn new(
        lie: impl Fn(&Asked) -> (&'static str, String, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (lie, seen) = (Arc::new(lie), asked.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (lie, seen) = (lie.clone(), seen.clone());
                thread::spawn(move || {
                    let mut client = BufReader::new(client);
                    let asked = read(&mut client)?;
                    let (status, headers, body) = lie(&asked);
                    seen.lock().unwrap().push(asked);
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\
                         {headers}\r\n{body}"
                    );
                    client.get_mut().write_all(answer.as_bytes())
                });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// A builder of a store at this server.
    pub(crate) fn builder(&self) -> S3StoreBuilder {
        builder_at(self.url()).retries(1, Duration::from_secs(5))
    }
}

fn read(client: &mut BufReader<TcpStream>) -> io::Result<Asked> {
    let (mut first, mut length) = (String::new(), 0);
    client.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        client.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    Ok((method, target, String::from_utf8(body).unwrap()))
}
