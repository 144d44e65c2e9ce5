//! Clients that are slow, idle, many or too large. They are disconnected or refused, and others are
//! served meanwhile.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream as BlockingStream};
use std::process::Command;
use std::time::{Duration, Instant};

use netboot_core::{Sha256Digest, layout};
use reqwest::StatusCode;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::service::{PATIENCE, Place, SITES, Service, TOKEN};
use crate::small_release;

const ATTACKER: [u8; 4] = [127, 0, 0, 2];

/// A place with these limits, and a live release whose kernel is so large that no socket buffers
/// it. Also the path of the kernel.
async fn place(limits: &str) -> (Place, String) {
    let place = Place::new("clients");
    place.configure(&format!("[deployer.limits]\n{limits}"));
    let kernel: Vec<u8> = (0..8_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let image = small_release::image("worker", &kernel);
    let publisher = place.publisher(SITES[0]);
    small_release::publish_images(&publisher, small_release::renderer(), [image]).await;
    (place, format!("/published/{}", layout::blob(&Sha256Digest::of(&kernel))))
}

/// Connects from an address of this machine. All of 127.0.0.0/8 are.
async fn connect(service: &Service, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(service.address()).await.unwrap()
}

/// Lets this process open files for that many connections.
fn allow_connections(count: u64) {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.map(|current| current.max(count + 256));
    setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum }).unwrap();
}

/// The most lines of the log about one peer and kind of event since then: one a minute.
fn lines_since(begin: Instant) -> usize {
    1 + usize::try_from(begin.elapsed().as_secs() / 60).unwrap()
}

/// The number of connections that the service has closed.
fn closed(connections: &[TcpStream]) -> usize {
    let is_closed = |connection: &&TcpStream| match connection.try_read(&mut [0; 16]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    connections.iter().filter(is_closed).count()
}

/// Waits until the service has closed at least this many connections.
async fn wait_for_closed(connections: &[TcpStream], least: usize) {
    let begin = Instant::now();
    while closed(connections) < least {
        assert!(begin.elapsed() < PATIENCE, "{} closed", closed(connections));
        tokio::task::yield_now().await;
    }
}

/// Sends bytes one at a time, ten in a second, until the service answers or closes the connection.
/// Returns the answer.
fn trickle(service: &Service, first: &str, mut next: impl Iterator<Item = u8>) -> String {
    let mut client = BlockingStream::connect(service.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    client.write_all(first.as_bytes()).unwrap();
    let (begin, mut answer, mut buffer) = (Instant::now(), Vec::new(), [0; 4096]);
    loop {
        match client.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => answer.extend(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let byte = next.next().unwrap();
                // The connection may have been closed at this moment.
                if client.write_all(&[byte]).is_err() {
                    let _ = client.read_to_end(&mut answer);
                    break;
                }
            }
            Err(_) => break,
        }
        assert!(begin.elapsed() < PATIENCE, "the client is never disconnected");
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_client_that_sends_one_byte_at_a_time_is_disconnected() {
    let (place, _) = place("header-seconds = 1\nbody-seconds = 1\n").await;
    let service = place.start();
    let begin = Instant::now();
    let head = "GET /boot HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Header: ".bytes();
    assert_eq!(trickle(&service, "", head.chain(std::iter::repeat(b'x'))), "");
    // A second request on the same connection has the same time.
    let first = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let answer = trickle(&service, first, std::iter::repeat(b'G'));
    assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");

    let post = |length: &str| {
        format!(
            "POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\n{length}\r\n\r\n"
        )
    };
    let spaces = || std::iter::repeat(b' ');
    let answer = trickle(&service, &post("Content-Length: 1000"), spaces());
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let answer =
        trickle(&service, &post("Transfer-Encoding: chunked"), "1\r\n \r\n".bytes().cycle());
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    // Without the token, nothing of the body is awaited.
    let anonymous = post("Content-Length: 1000").replace("Authorization", "X-Header");
    let answer = trickle(&service, &anonymous, std::iter::empty());
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");

    let (_, said) = service.end(Signal::TERM);
    let slow = said.lines().filter(|line| line.contains("did not send")).count();
    let most = lines_since(begin);
    assert!((1..=most).contains(&slow), "one line a minute for one peer and kind: {said}");
}

#[tokio::test]
async fn idle_connections_end_without_a_line_in_the_log() {
    let (place, _) = place("header-seconds = 1\n").await;
    let service = place.start();
    // One of them has been used.
    let mut used = connect(&service, ATTACKER).await;
    used.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
    used.read_exact(&mut [0; 15]).await.unwrap();
    let mut idle = vec![used];
    for _ in 0..49 {
        idle.push(connect(&service, ATTACKER).await);
    }
    for connection in &mut idle {
        let mut rest = Vec::new();
        let end = connection.read_to_end(&mut rest);
        tokio::time::timeout(PATIENCE, end).await.unwrap().unwrap();
    }
    let (_, said) = service.end(Signal::TERM);
    assert!(!said.contains("127.0.0.2"), "{said}");
}

#[tokio::test]
async fn two_thousand_idle_connections_of_one_peer_keep_no_other_from_booting() {
    const COUNT: usize = 2000;
    allow_connections(COUNT as u64);
    // They would stay for ten minutes.
    let (place, kernel) = place("header-seconds = 100000\n").await;
    let service = place.start();
    let begin = Instant::now();
    // A machine downloads its kernel meanwhile, from the same address as the attack.
    let mut machine = connect(&service, ATTACKER).await;
    let request = format!("GET {kernel} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    machine.write_all(request.as_bytes()).await.unwrap();
    machine.read_exact(&mut [0; 15]).await.unwrap();

    let mut idle = Vec::new();
    for _ in 0..COUNT {
        idle.push(connect(&service, ATTACKER).await);
    }
    for path in ["/boot", "/published/current.ipxe", "/healthz"] {
        let answer = tokio::time::timeout(PATIENCE, service.get(path).send()).await;
        assert_eq!(answer.unwrap().unwrap().status(), StatusCode::OK, "{path}");
    }
    // The attacker has 256 connections, and one of them is the machine's.
    wait_for_closed(&idle, COUNT - 255).await;
    let mut rest = Vec::new();
    machine.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() > 32_000_000, "{} bytes arrived", rest.len());

    let (_, said) = service.end(Signal::TERM);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("connections")).collect();
    let expected = "127.0.0.2: has too many connections: an idle one is closed";
    assert_eq!(lines[0], expected, "{said}");
    assert!(lines.len() <= lines_since(begin), "{said}");
    assert!(lines.iter().all(|line| line.starts_with(expected)), "{said}");
}

#[tokio::test]
async fn downloads_that_nobody_reads_keep_no_other_peer_from_booting() {
    const COUNT: usize = 150;
    allow_connections(COUNT as u64);
    let (place, kernel) = place("connections = 100\nstall-seconds = 1000\n").await;
    let service = place.start();
    let request = format!("GET {kernel} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let mut stalled = Vec::new();
    for _ in 0..COUNT {
        let mut connection = connect(&service, ATTACKER).await;
        // A refused connection may already be closed.
        if connection.write_all(request.as_bytes()).await.is_ok() {
            let _ = connection.read(&mut [0; 15]).await;
        }
        stalled.push(connection);
    }
    let answer = tokio::time::timeout(PATIENCE, service.get(&kernel).send()).await;
    assert_eq!(answer.unwrap().unwrap().bytes().await.unwrap().len(), 32_000_000);
    let (_, said) = service.end(Signal::KILL);
    assert!(said.contains("127.0.0.2: has too many connections: a new one is refused"), "{said}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let (place, kernel) = place("stall-seconds = 1\n").await;
    let service = place.start();
    let mut client = connect(&service, ATTACKER).await;
    let request = format!("GET {kernel} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    service.hears("127.0.0.2: read less than 1 KiB per second for 1s: disconnected");
    let mut rest = Vec::new();
    // The connection may also end with a reset.
    let _ = client.read_to_end(&mut rest).await;
    assert!(rest.len() < 32_000_000, "{} bytes arrived", rest.len());
}

#[tokio::test]
async fn a_service_that_may_open_few_files_still_serves() {
    let (place, _) = place("header-seconds = 100000\n").await;
    let plain = place.command();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 128; exec \"$@\"", "sh"]);
    command.arg(plain.get_program()).args(plain.get_args());
    let set = plain.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(set).current_dir(plain.get_current_dir().unwrap());
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let service = Service::start({
        command.stderr(std::process::Stdio::piped());
        command
    });
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(connect(&service, ATTACKER).await);
    }
    let answer = service.get("/published/current.ipxe").send();
    let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(service.get("/healthz").send().await.unwrap().text().await.unwrap(), "ok\n");
}

/// Sends bytes, and returns everything that comes back before the connection ends.
async fn answer_to(service: &Service, request: &[u8]) -> String {
    let (mut reader, mut writer) = connect(service, [127, 0, 0, 1]).await.into_split();
    // The service may answer, and close the connection, before it has read everything.
    let sending = async {
        let _ = writer.write_all(request).await;
    };
    let mut answer = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while let Ok(read) = reader.read(&mut buffer).await {
            if read == 0 {
                break;
            }
            answer.extend(&buffer[..read]);
        }
    };
    let both = async { tokio::join!(sending, reading) };
    tokio::time::timeout(PATIENCE, both).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn only_http_1_is_spoken() {
    let (place, _) = place("").await;
    let service = place.start();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = answer_to(&service, preface).await;
    assert!(!answer.contains("200") && !answer.starts_with("\0\0"), "{answer:?}");
    let upgrade =
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close, Upgrade, HTTP2-Settings\
                    \r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n";
    let answer = answer_to(&service, upgrade).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"), "{answer:?}");
    assert!(!answer.to_lowercase().contains("h2c"), "{answer:?}");
    for other in [&b"GET /healthz HTTP/0.9\r\n\r\n"[..], b"GET /healthz\r\n", b"\x16\x03\x01\x02\0"]
    {
        let answer = answer_to(&service, other).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let (place, _) = place("").await;
    let service = place.start();
    let get = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\r\n")
    };
    let post = |headers: &str, body: &str| {
        format!(
            "POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\n{headers}\r\n\r\n{body}"
        )
    };
    let many = "X-Header: x\r\n".repeat(200);
    let big = " ".repeat(100_000);
    for (request, status) in [
        (get(&format!("/boot?{}", "x".repeat(70_000)), ""), "431"),
        (get("/boot", &format!("X-Header: {}\r\n", "x".repeat(20_000))), "431"),
        (get("/boot", &many), "431"),
        (post("Content-Length: 100000", &big), "413"),
        (
            post("Transfer-Encoding: chunked", &format!("{:x}\r\n{big}\r\n0\r\n\r\n", big.len())),
            "413",
        ),
        (get("/healthz", ""), "200"),
    ] {
        let answer = answer_to(&service, request.as_bytes()).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{expected}: {answer:.200} to {request:.80}");
    }
    // A request line without an end.
    let answer = answer_to(&service, &[b"GET /", &vec![b'x'; 1_000_000][..]].concat()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.200}");
}
