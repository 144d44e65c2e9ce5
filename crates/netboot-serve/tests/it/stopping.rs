//! The end of a server.

use std::time::Duration;

use netboot_publish::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
    assert_eq!(idle.read(&mut [0; 10]).await.unwrap_or(0), 0, "an idle connection is closed");
    let mut rest = Vec::new();
    busy.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(&bytes[1_000_000..]), "the answer is whole");
    tokio::time::timeout(Duration::from_secs(20), &mut running.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err(), "it accepts nothing more");
}
