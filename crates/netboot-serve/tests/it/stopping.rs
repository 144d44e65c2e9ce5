//! The end of a server.

use std::io::ErrorKind;
use std::time::Duration;

use netboot_publish::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::running::{Running, put_blob};

#[tokio::test]
async fn a_server_that_stops_completes_what_it_has_begun() {
    let store = MemoryStore::new();
    let (bytes, place) = put_blob(&store, 30_000_000).await;
    let mut running = Running::start(store).await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let mut busy = TcpStream::connect(running.address).await.unwrap();
    let request = format!("GET {place} HTTP/1.1\r\nHost: x\r\n\r\n");
    busy.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 1000];
    busy.read_exact(&mut first).await.unwrap();
    running.stop.cancel();
    let mut byte = [0];
    let closed = timeout(Duration::from_secs(240), idle.read(&mut byte)).await;
    match closed.expect("an idle connection is closed") {
        Ok(count) => assert_eq!(count, 0, "nothing was sent"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    let mut rest = Vec::new();
    busy.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(&bytes[1_000_000..]), "the answer is whole");
    timeout(Duration::from_secs(240), &mut running.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err(), "it accepts nothing more");
}
