//! The limits of clients.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use netboot_publish::MemoryStore;
use netboot_serve::{Limits, Notice};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running::{Running, put, put_blob};

#[tokio::test]
async fn a_client_that_sends_too_slowly_is_disconnected() {
    let limits = Limits { header: Duration::from_millis(300), ..Limits::default() };
    let running = Running::with_limits(MemoryStore::new(), limits).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET /boot.ipxe HTTP/1.1\r\nHost:").await.unwrap();
    let begin = Instant::now();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(begin.elapsed() < Duration::from_secs(240));
    running.until_noticed(|notice| matches!(notice, Notice::SlowRequest { .. })).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let limits = Limits { stall: Duration::from_millis(300), ..Limits::default() };
    let store = MemoryStore::new();
    let (_, place) = put_blob(&store, 30_000_000).await;
    let running = Running::with_limits(store, limits).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!("GET {place} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    running.until_noticed(|notice| matches!(notice, Notice::SlowReader { .. })).await;
    assert!(running.failures.lock().unwrap().is_empty(), "the store did not fail");
}

#[tokio::test]
async fn a_client_with_too_many_connections_loses_idle_ones_only() {
    let limits = Limits { connections_per_peer: 2, ..Limits::default() };
    let store = MemoryStore::new();
    put(&store, "boot.ipxe", "#!ipxe\n").await;
    let running = Running::with_limits(store, limits).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"GET /boot.ipxe HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        streams.push(stream);
    }
    running.until_noticed(|notice| matches!(notice, Notice::Evicted { .. })).await;
    let mut rest = Vec::new();
    let closed = streams[0].read_to_end(&mut rest).await;
    assert!(closed.is_ok() || closed.unwrap_err().kind() == ErrorKind::ConnectionReset);
}
