//! Many machines fetch closures at once: with kept connections, with ranges, behind one address.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::closure_site::{ClosureSite, ended};
use crate::service::{PATIENCE, Service};

async fn connect(service: &Service, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(service.address()).await.unwrap()
}

/// Sends a request on a connection that stays open, and returns the status and the body.
async fn get(connection: &mut TcpStream, path: &str, more: &str) -> (String, Vec<u8>) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    connection.read_exact(&mut body).await.unwrap();
    (head.lines().next().unwrap().to_owned(), body)
}

/// Fetches a blob in two ranges on one connection, three times at least, and again and again until
/// it is told to stop.
async fn fetch_in_ranges(
    mut connection: TcpStream,
    path: &str,
    content: &[u8],
    stops: impl Fn() -> bool,
) {
    let (half, mut times) = (content.len() / 2, 0);
    while times < 3 || !stops() {
        times += 1;
        let mut fetched = Vec::new();
        for range in [format!("0-{}", half - 1), format!("{half}-")] {
            let range = format!("Range: bytes={range}\r\n");
            let (status, part) = get(&mut connection, path, &range).await;
            assert_eq!(status, "http/1.1 206 partial content");
            fetched.extend(part);
        }
        assert!(fetched == content);
    }
}

fn published(site: &ClosureSite) -> (String, Vec<u8>) {
    let blob = site.largest_blob();
    let path = format!("/published/blobs/{}", blob.file_name().unwrap().to_str().unwrap());
    (path, std::fs::read(blob).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_machines_at_once_leave_room_for_the_operator() {
    let site = ClosureSite::new(&[100_000], "").await;
    let service = site.place.start();
    let (path, content) = published(&site);
    let addresses = (0..100).flat_map(|machine| [[127, 0, 2, machine]; 4]);
    let connections = join_all(addresses.map(|from| connect(&service, from))).await;
    // All machines are at work as long as the operator asks.
    let is_over = AtomicBool::new(false);
    let stops = || is_over.load(Ordering::SeqCst);
    let machines = connections.into_iter().map(|one| fetch_in_ranges(one, &path, &content, stops));
    let operator = async {
        for _ in 0..20 {
            let answer = service.get("/healthz").timeout(PATIENCE).send().await.unwrap();
            assert_eq!(answer.text().await.unwrap(), "ok\n");
        }
        is_over.store(true, Ordering::SeqCst);
    };
    tokio::join!(join_all(machines), operator);
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_behind_one_address_have_eight_connections_each() {
    let site = ClosureSite::new(&[50_000], "").await;
    let service = site.place.start();
    let (path, content) = published(&site);
    // 32 machines with the default limits.
    let connections = join_all((0..256).map(|_| connect(&service, [127, 0, 3, 1]))).await;
    let fetches = connections.into_iter().map(|one| fetch_in_ranges(one, &path, &content, || true));
    join_all(fetches).await;
    let (_, said) = service.end(rustix::process::Signal::TERM);
    assert!(!said.contains("too many connections"), "{said}");
}

#[tokio::test]
async fn real_machines_share_the_few_connections_of_one_address() {
    let sizes: Vec<usize> = (0..60).map(|number| 1000 + number * 1000).collect();
    let site = ClosureSite::new(&sizes, "[deployer.limits]\nconnections-per-peer = 4\n").await;
    let service = site.place.start();
    let machines = [site.machine(&service).await, site.machine(&service).await];
    let children = machines.each_ref().map(|machine| {
        let child = machine.start();
        tokio::task::spawn_blocking(|| child.wait_with_output())
    });
    for child in children {
        let (succeeded, lines) = ended(&child.await.unwrap().unwrap());
        assert!(succeeded, "{lines:#?}");
    }
}
