//! The guarantees of the server for booting machines, and for tests that read its log.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netboot_qemu::{DirectoryServer, Error, FilesBeneath, Request};
use netboot_testbed::PATIENCE;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower_http::services::fs::Backend;

/// Creates a directory `site` with a file and a directory, and a secret outside of it.
fn directory() -> (TempDir, PathBuf) {
    let outer = TempDir::new().unwrap();
    let site = outer.path().join("site");
    fs::create_dir_all(site.join("blobs")).unwrap();
    fs::write(site.join("boot.ipxe"), "#!ipxe\n").unwrap();
    fs::write(site.join("index.html"), "no index").unwrap();
    fs::write(site.join("blobs/kernel"), "0123456789").unwrap();
    fs::write(outer.path().join("secret"), "hunter2").unwrap();
    (outer, site)
}

/// Sends a request byte for byte, unlike a client library, and returns the complete answer.
async fn ask(server: &DirectoryServer, method: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn get(server: &DirectoryServer, path: &str) -> (u16, String) {
    let answer = ask(server, "GET", path, "").await;
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn summary(requests: &[Request]) -> Vec<(&str, &str, u16, Option<u64>)> {
    requests.iter().map(|r| (r.method.as_str(), r.path.as_str(), r.status, r.length)).collect()
}

#[tokio::test]
async fn files_are_served_and_requests_written_down_in_order() {
    let (_outer, site) = directory();
    let server = DirectoryServer::start(&site).await.unwrap();
    assert_eq!(get(&server, "/boot.ipxe?mac=1").await, (200, "#!ipxe\n".to_owned()));
    assert_eq!(get(&server, "/blobs/kernel").await, (200, "0123456789".to_owned()));
    assert_eq!(get(&server, "/missing").await.0, 404);
    let head = ask(&server, "HEAD", "/blobs/kernel", "").await;
    assert!(head.contains("content-length: 10") && head.ends_with("\r\n\r\n"), "{head}");
    let range = ask(&server, "GET", "/blobs/kernel", "Range: bytes=2-4\r\n").await;
    assert!(range.starts_with("HTTP/1.1 206") && range.ends_with("\r\n\r\n234"), "{range}");
    let requests = server.requests();
    assert_eq!(
        summary(&requests),
        [
            ("GET", "/boot.ipxe", 200, Some(7)),
            ("GET", "/blobs/kernel", 200, Some(10)),
            ("GET", "/missing", 404, requests[2].length),
            ("HEAD", "/blobs/kernel", 200, Some(10)),
            ("GET", "/blobs/kernel", 206, Some(3)),
        ]
    );
}

#[tokio::test]
async fn nothing_outside_of_the_directory_and_no_listing_is_served() {
    let (_outer, site) = directory();
    let server = DirectoryServer::start(&site).await.unwrap();
    for path in [
        "/../secret",
        "/blobs/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/blobs/..%2f..%2fsecret",
        "//../secret",
        "/",
        "/blobs",
        "/blobs/",
    ] {
        let answer = ask(&server, "GET", path, "").await;
        let status: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(status >= 300, "{path}: {answer}");
        for text in ["hunter2", "kernel", "no index"] {
            assert!(!answer.contains(text), "{path}: {answer}");
        }
    }
    let answer = ask(&server, "PUT", "/boot.ipxe", "Content-Length: 0\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert_eq!(fs::read_to_string(site.join("boot.ipxe")).unwrap(), "#!ipxe\n");
}

#[tokio::test]
async fn links_are_followed_unless_they_leave_the_directory() {
    let (outer, site) = directory();
    fs::create_dir(site.join("worker")).unwrap();
    let secret = outer.path().join("secret");
    for (link, target) in [
        ("bzImage", "blobs/kernel"),
        ("worker/bzImage", "../blobs/kernel"),
        ("images", "blobs"),
        ("root", ".."),
        ("relative", "../secret"),
        ("absolute", secret.to_str().unwrap()),
        ("again", "absolute"),
        ("worker/out", "../root/secret"),
        ("device", "/dev/zero"),
        ("own", "own"),
    ] {
        symlink(target, site.join(link)).unwrap();
    }
    for special in [FileType::Fifo, FileType::Socket] {
        let name = site.join(format!("{special:?}"));
        mknodat(CWD, &name, special, Mode::RWXU, 0).unwrap();
    }
    let server = DirectoryServer::start(&site).await.unwrap();
    for path in ["/bzImage", "/worker/bzImage", "/images/kernel"] {
        assert_eq!(get(&server, path).await, (200, "0123456789".to_owned()), "{path}");
    }
    for path in [
        "/root/secret",
        "/relative",
        "/absolute",
        "/again",
        "/worker/out",
        "/device",
        "/own",
        "/Fifo",
        "/Socket",
        "/bzImage/x",
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&server, method, path, "");
            let answer = tokio::time::timeout(PATIENCE, answer).await.expect(path);
            assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
            assert!(!answer.contains("hunter2"), "{path}: {answer}");
        }
    }
}

/// Another thread turns a file into a link to a secret and back, as fast as it can.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_changes_all_the_time_never_leads_outside() {
    let (_outer, site) = directory();
    let server = DirectoryServer::start(&site).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let flipping = {
        let (stop, site) = (stop.clone(), site.clone());
        std::thread::spawn(move || {
            let targets = ["../secret", "blobs/kernel", "root/secret", "/etc/passwd"];
            for target in targets.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                symlink(target, site.join("new")).unwrap();
                fs::rename(site.join("new"), site.join("file")).unwrap();
                let _ = fs::remove_file(site.join("root"));
                symlink(if target.len() == 9 { ".." } else { "blobs" }, site.join("root")).unwrap();
            }
        })
    };
    let (mut wholes, begin) = (0, Instant::now());
    // The other thread may pause while the link leads outside.
    for number in 0.. {
        if number >= 500 && wholes > 0 {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "the link never leads to the file");
        let (status, body) = get(&server, "/file").await;
        assert!((status, body.as_str()) == (200, "0123456789") || status == 404, "{body}");
        wholes += usize::from(status == 200);
    }
    stop.store(true, Ordering::Relaxed);
    flipping.join().unwrap();
}

#[tokio::test]
async fn a_refused_link_is_told_once() {
    let (_outer, site) = directory();
    symlink("../secret", site.join("out")).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let files = {
        let told = told.clone();
        FilesBeneath::new(&site).on_refusal(move |refusal| {
            told.lock().unwrap().push(refusal.to_string());
        })
    };
    for path in ["out", "out", "out", "blobs", "missing"] {
        let opened = Backend::open(&files, path.into()).await;
        assert_eq!(opened.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    }
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("out` is a symbolic link"), "{told:?}");
}

#[tokio::test]
async fn the_hook_ends_before_the_file_is_looked_for() {
    let (_outer, site) = directory();
    let late = site.join("late");
    let server = DirectoryServer::builder(&site)
        .on_request(move |path| {
            let late = late.clone();
            async move {
                if path == "/late" {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    fs::write(late, "there now").unwrap();
                }
            }
        })
        .start()
        .await
        .unwrap();
    assert_eq!(get(&server, "/late").await, (200, "there now".to_owned()));
}

#[tokio::test]
async fn urls_are_below_the_server_and_encoded() {
    let (_outer, site) = directory();
    fs::write(site.join("a b?c"), "odd").unwrap();
    let server = DirectoryServer::start(&site).await.unwrap();
    let root = format!("http://{}", server.address());
    assert_eq!(server.url("worker/netboot.ipxe").as_str(), format!("{root}/worker/netboot.ipxe"));
    assert_eq!(server.url("/boot.ipxe").as_str(), format!("{root}/boot.ipxe"));
    let odd = server.url("a b?c");
    assert_eq!(odd.as_str(), format!("{root}/a%20b%3Fc"));
    assert_eq!(get(&server, odd.path()).await, (200, "odd".to_owned()));
}

#[tokio::test]
async fn a_server_that_was_stopped_or_dropped_is_gone() {
    let (_outer, site) = directory();
    let server = DirectoryServer::start(&site).await.unwrap();
    let address = server.address();
    server.stop().await;
    TcpStream::connect(address).await.unwrap_err();

    let server = DirectoryServer::start(&site).await.unwrap();
    let address = server.address();
    drop(server);
    let gone = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn a_path_that_is_no_directory_is_named() {
    let (outer, site) = directory();
    for path in [outer.path().join("missing"), site.join("boot.ipxe")] {
        let error = DirectoryServer::start(&path).await.unwrap_err();
        assert!(matches!(&error, Error::DirectoryMissing { path: named, .. } if *named == path));
        assert!(error.to_string().contains(&*path.to_string_lossy()));
        assert!(error.hint().is_some());
    }
}
