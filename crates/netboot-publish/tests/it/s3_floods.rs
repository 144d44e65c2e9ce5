//! Servers whose answers never end.

use std::time::Duration;

use netboot_core::{Context, Report};
use netboot_publish::{Error, ListScope, S3Failure, S3Store, Store};
use netboot_testbed::{TestProcess, peak_memory};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::patience::soon;
use crate::s3::builder_at;
use crate::s3_liar::Liar;

/// The bytes that a server sends after the head of a request.
type Flood = fn(BufReader<TcpStream>) -> futures::future::BoxFuture<'static, ()>;

/// A store with a server that answers every request with a flood.
async fn flooded(flood: Flood) -> S3Store {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            tokio::spawn(flood(stream));
        }
    });
    let builder = builder_at(format!("http://{address}")).without_probe();
    builder.retries(0, Duration::from_secs(5)).build().await.unwrap()
}

/// Sends `head`, and then `part` until the client leaves, but at most 512 MiB.
async fn send(mut stream: BufReader<TcpStream>, head: &str, part: Vec<u8>) {
    let mut sent = stream.get_mut().write_all(head.as_bytes()).await;
    for _ in 0..(512 << 20) / part.len() {
        if sent.is_err() {
            return;
        }
        sent = stream.get_mut().write_all(&part).await;
    }
}

fn endless_refusal(stream: BufReader<TcpStream>) -> futures::future::BoxFuture<'static, ()> {
    let head =
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n<Error><Code>AccessDenied</Code>";
    Box::pin(send(stream, head, vec![b'x'; 1 << 20]))
}

fn endless_answer(stream: BufReader<TcpStream>) -> futures::future::BoxFuture<'static, ()> {
    Box::pin(send(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<a>", vec![b'x'; 1 << 20]))
}

fn endless_headers(stream: BufReader<TcpStream>) -> futures::future::BoxFuture<'static, ()> {
    Box::pin(send(stream, "HTTP/1.1 200 OK\r\n", b"x: y\r\n".repeat(10_000)))
}

async fn error_of(flood: Flood) -> Error {
    let store = flooded(flood).await;
    soon(store.list(&ListScope::Root)).await.unwrap_err()
}

/// The memory of a process of its own is measured.
#[tokio::test]
async fn an_endless_answer_needs_little_memory() {
    if !TestProcess::new("s3_floods::an_endless_answer_needs_little_memory").is_this() {
        return;
    }
    let refused = error_of(endless_refusal).await;
    let Error::S3 { failure, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(*failure, S3Failure::AccessDenied);
    let shown = Report::from(refused).in_full();
    assert!(shown.len() < 100_000 && shown.contains("more bytes)"), "{} bytes", shown.len());
    for flood in [endless_answer as Flood, endless_headers] {
        let error = error_of(flood).await;
        assert!(matches!(error, Error::S3 { .. }) && error.hint().is_some(), "{error:?}");
    }
    // An object's bytes and writes go through the client crate.
    let store = flooded(endless_refusal).await;
    let names = ["boot.ipxe".parse().unwrap()];
    let removed = soon(store.delete(&names, &Context::new())).await;
    assert!(removed.is_err());
    let peak = peak_memory(std::process::id());
    assert!(peak < 100 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn a_server_forges_no_line_of_an_error() {
    let body = "<Error><Code>Odd</Code><Message>no\r\n\u{1b}[2Kerror: forged\u{202e}</Message>";
    let liar = Liar::new(move |_| ("400 Bad Request", String::new(), body.to_owned()));
    let store = liar.builder().without_probe().build().await.unwrap();
    let error = soon(store.list(&ListScope::Root)).await.unwrap_err();
    let shown = Report::from(error).in_full();
    assert!(shown.contains("error: forged"), "{shown}");
    assert!(shown.split('\n').skip(1).all(|line| line.starts_with("  ")), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\r', '\u{202e}']), "{shown:?}");
}
