//! The S3 servers start, keep their data over a restart, and leave no process.

use std::process::Command;

use netboot_testbed::{S3Server, tool};

/// The processes with `text` in their command line or environment.
fn processes(text: &str) -> String {
    let output = Command::new(tool("ps")).args(["axeww"]).output().unwrap();
    let listing = String::from_utf8(output.stdout).unwrap();
    listing.lines().filter(|line| line.contains(text)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_server_is_gone_with_its_value_and_keeps_buckets_when_it_is_started_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    for start in [S3Server::ministack, S3Server::nanio] {
        let mut server = start(directory.path());
        server.create_bucket("kept");
        server.restart();
        let found = server.request("GET", "/kept", "");
        // nanio requires a signature, ministack does not.
        assert!(found.contains(" 200 ") || found.contains(" 403 "), "{found}: {}", server.log());
        assert!(!processes(path).is_empty());
        drop(server);
        assert_eq!(processes(path), "");
    }
}

#[test]
fn a_server_with_tls_has_a_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let server = S3Server::nanio_with_tls(directory.path());
    assert!(server.endpoint().starts_with("https://127.0.0.1:"));
    assert!(server.ca_certificate().starts_with(b"-----BEGIN CERTIFICATE-----"));
}
