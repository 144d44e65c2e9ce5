//! Faults of HTTP requests and their answers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::state::State;

pub(super) type Rule = dyn Fn(&HttpRequest, Moment) -> HttpFault + Send + Sync;

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Its number, from 1, over all connections.
    pub number: u64,
    /// Its method.
    pub method: String,
    /// The path and the query that it is for.
    pub target: String,
    /// The size in bytes of its body.
    pub length: u64,
    /// Its first line and its headers, as they arrived.
    pub head: String,
}

/// The moment at which a rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The head of a request arrived; the server knows nothing of it.
    Asked,
    /// The server answered; the client knows nothing of it.
    Answered,
}

/// The fault that a request or its answer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFault {
    /// It is passed on.
    None,
    /// The connection is cut after so many bytes of the body; with 0, nothing of it is passed on.
    Cut {
        /// The number of bytes.
        after: u64,
    },
    /// It is passed on with one bit of its body flipped.
    Flip {
        /// The byte that the bit is in.
        at: u64,
    },
    /// It is passed on after this time.
    Delay(Duration),
    /// This is the answer, in place of the server's.
    Answer {
        /// The status, such as `503 Service Unavailable`.
        status: String,
        /// Header lines, each with its `\r\n`.
        headers: String,
    },
    /// This is the answer, in place of the server's, with an error code of S3 in its body.
    Error {
        /// The status, such as `400 Bad Request`.
        status: String,
        /// The code, such as `ExpiredToken`.
        code: String,
    },
    /// The answer has this `ETag`, with its quotes, if it has any.
    Etag(String),
}

impl HttpFault {
    /// The status, the headers and the code of an answer in place of the server's.
    fn answer(&self) -> Option<(&str, &str, &str)> {
        match self {
            Self::Answer { status, headers } => Some((status, headers, "Fault")),
            Self::Error { status, code } => Some((status, "", code)),
            _ => None,
        }
    }
}

/// The length of a body.
#[derive(Debug, Clone, Copy)]
enum Body {
    Bytes(u64),
    Chunked,
    UntilClosed,
}

/// A cut connection.
fn cut() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

pub(super) fn serve(
    client: TcpStream,
    server: TcpStream,
    state: &Arc<State>,
    rule: &Arc<Rule>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut client, mut server) = (BufReader::new(client), BufReader::new(server));
    loop {
        let head = read_head(&mut client)?;
        let mut words = head[0].split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let body = body_of(&head, Body::Bytes(0));
        let request = HttpRequest {
            number: state.requests.fetch_add(1, Ordering::SeqCst) + 1,
            method: word(),
            target: word(),
            length: if let Body::Bytes(length) = body { length } else { 0 },
            head: head.concat(),
        };
        let fault = rule(&request, Moment::Asked);
        let text = head.concat();
        let is_last = closes(&head);
        count(&state.to_server, text.len() as u64);
        if let Some((status, headers, code)) = fault.answer() {
            state.has_faulted();
            pass_body(&mut client, &mut io::sink(), body, &HttpFault::None, state)?;
            answer(client.get_mut(), &request.method, status, headers, code)?;
            continue;
        }
        begin(&fault, state)?;
        server.get_mut().write_all(text.as_bytes())?;
        let sent = pass_body(&mut client, server.get_mut(), body, &fault, state);
        // A server may refuse before it has read all, and say why.
        count(&state.to_server, sent?);

        let mut head = read_head(&mut server)?;
        while head[0].split(' ').nth(1) == Some("100") {
            // "100 Continue": the client went on already.
            head = read_head(&mut server)?;
        }
        let fault = rule(&request, Moment::Answered);
        if let Some((status, headers, code)) = fault.answer() {
            // The server has done it, and says that it has not.
            state.has_faulted();
            let body = answer_body(&head, &request.method);
            pass_body(&mut server, &mut io::sink(), body, &HttpFault::None, state)?;
            answer(client.get_mut(), &request.method, status, headers, code)?;
            continue;
        }
        begin(&fault, state)?;
        if let HttpFault::Etag(etag) = &fault {
            let is_etag = |line: &&mut String| line.to_ascii_lowercase().starts_with("etag:");
            if let Some(line) = head.iter_mut().find(is_etag) {
                state.has_faulted();
                *line = format!("ETag: {etag}\r\n");
            }
        }
        let body = answer_body(&head, &request.method);
        let text = head.concat();
        client.get_mut().write_all(text.as_bytes())?;
        let sent = pass_body(&mut server, client.get_mut(), body, &fault, state)?;
        count(&state.to_client, text.len() as u64 + sent);
        if is_last || closes(&head) || matches!(body, Body::UntilClosed) {
            return Ok(());
        }
    }
}

/// The faults that come before anything is passed on.
fn begin(fault: &HttpFault, state: &State) -> io::Result<()> {
    match fault {
        HttpFault::Cut { after: 0 } => {
            state.has_faulted();
            Err(cut())
        }
        HttpFault::Delay(time) => {
            state.has_faulted();
            thread::sleep(*time);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The lines of a head, with their ends.
fn read_head(from: &mut impl BufRead) -> io::Result<Vec<String>> {
    let mut head: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let is_last = line == "\r\n";
        head.push(line);
        if is_last {
            return Ok(head);
        }
    }
}

/// Returns true if the connection ends after this request or answer.
fn closes(head: &[String]) -> bool {
    value(head, "connection").is_some_and(|value| value == "close")
}

/// A header's value, in lower case.
fn value(head: &[String], name: &str) -> Option<String> {
    head.iter().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_lowercase())
    })
}

fn body_of(head: &[String], otherwise: Body) -> Body {
    if value(head, "transfer-encoding").is_some_and(|encoding| encoding.contains("chunked")) {
        return Body::Chunked;
    }
    value(head, "content-length").and_then(|text| text.parse().ok()).map_or(otherwise, Body::Bytes)
}

fn answer_body(head: &[String], method: &str) -> Body {
    let status = head[0].split(' ').nth(1).unwrap_or_default();
    if method == "HEAD" || status == "204" || status == "304" {
        return Body::Bytes(0);
    }
    body_of(head, Body::UntilClosed)
}

fn answer(
    client: &mut TcpStream,
    method: &str,
    status: &str,
    headers: &str,
    code: &str,
) -> io::Result<()> {
    let text = format!("<Error><Code>{code}</Code></Error>");
    let text = if method == "HEAD" { "" } else { &text };
    let length = text.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
    client.write_all(format!("{head}{text}").as_bytes())
}

/// Passes a body on, and says how long it was.
fn pass_body(
    from: &mut impl BufRead,
    to: &mut impl Write,
    body: Body,
    fault: &HttpFault,
    state: &State,
) -> io::Result<u64> {
    let mut passed = 0;
    match body {
        Body::Bytes(length) => pass_bytes(from, to, length, &mut passed, fault, state)?,
        Body::UntilClosed => pass_bytes(from, to, u64::MAX, &mut passed, fault, state)?,
        Body::Chunked => loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            to.write_all(line.as_bytes())?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            pass_bytes(from, to, size, &mut passed, fault, state)?;
            let mut end = String::new();
            from.read_line(&mut end)?;
            to.write_all(end.as_bytes())?;
            if size == 0 {
                break;
            }
        },
    }
    Ok(passed)
}

fn pass_bytes(
    from: &mut impl Read,
    to: &mut impl Write,
    length: u64,
    passed: &mut u64,
    fault: &HttpFault,
    state: &State,
) -> io::Result<()> {
    let mut buffer = [0; 8192];
    let end = passed.saturating_add(length);
    while *passed < end {
        let most = usize::try_from(end - *passed).unwrap_or(usize::MAX).min(buffer.len());
        let read = from.read(&mut buffer[..most])?;
        if read == 0 {
            return if length == u64::MAX { Ok(()) } else { Err(cut()) };
        }
        let bytes = &mut buffer[..read];
        let position = |offset: &u64| {
            let position = offset.checked_sub(*passed)?;
            usize::try_from(position).ok().filter(|position| *position < read)
        };
        match fault {
            HttpFault::Cut { after } => {
                if let Some(position) = position(after) {
                    state.has_faulted();
                    to.write_all(&bytes[..position])?;
                    return Err(cut());
                }
            }
            HttpFault::Flip { at } => {
                if let Some(position) = position(at) {
                    state.has_faulted();
                    bytes[position] ^= 0x01;
                }
            }
            _ => {}
        }
        to.write_all(bytes)?;
        *passed += read as u64;
    }
    Ok(())
}

fn count(total: &std::sync::atomic::AtomicU64, bytes: u64) {
    total.fetch_add(bytes, Ordering::SeqCst);
}
