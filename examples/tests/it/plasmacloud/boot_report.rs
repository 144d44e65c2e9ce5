//! The script that reports a booted machine to the deployer, run by a real shell with a real curl.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};

use netboot_testbed::ReservedPort;

use super::flake;

/// The addresses of the machine's network cards.
const MACS: [&str; 2] = ["52:54:00:12:34:56", "52:54:00:12:34:57"];

/// The parameters that the script adds to the query.
fn added() -> String {
    format!("stage=init&mac={}&mac={}", MACS[0], MACS[1])
}

/// Runs the script on a machine with this kernel command line.
fn report(command_line: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cmdline");
    fs::write(&file, format!("{command_line}\n")).unwrap();
    // Two network cards, the loopback, which has no device, and a card that is being removed.
    let cards = directory.path().join("cards");
    for (name, address) in [("eno1", MACS[0]), ("eno2", MACS[1]), ("lo", "00:00:00:00:00:00")] {
        fs::create_dir_all(cards.join(name)).unwrap();
        fs::write(cards.join(name).join("address"), format!("{address}\n")).unwrap();
    }
    for name in ["eno1", "eno2", "usb0"] {
        fs::create_dir_all(cards.join(name).join("device")).unwrap();
    }
    // A file that the pattern in the URL would match.
    fs::write(directory.path().join("x"), "").unwrap();
    // NixOS makes the script of a unit stop at the first failure.
    let mut command = Command::new("sh");
    command.arg("-e").arg(flake().join("modules/netboot/boot-report.sh"));
    command
        .current_dir(directory.path())
        .env("CMDLINE", file)
        .env("CARDS", cards)
        .env("RETRIES", "0");
    command.env_remove("http_proxy").env("no_proxy", "*").output().unwrap()
}

/// A deployer that accepts one report. Returns its address, and the first line of the request.
fn deployer(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let taken = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap().lines().next().unwrap().to_owned()
    });
    (address, taken)
}

const NOTED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nnoted\n";
const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn the_stage_and_who_it_is_are_added_to_the_query() {
    let (address, taken) = deployer(NOTED);
    let query = "machine=node-1&x=[a-z]*?";
    let output = report(&format!(
        "init=/nix/store/x/init console=ttyS0 netboot.report=http://{address}/report?{query} quiet"
    ));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(taken.join().unwrap(), format!("GET /report?{query}&{} HTTP/1.1", added()));
}

#[test]
fn an_address_without_a_query_gets_one() {
    for quoted in [
        "netboot.report=http://ADDRESS/report",
        "\"netboot.report=http://ADDRESS/report\"",
        "netboot.report=\"http://ADDRESS/report\"",
    ] {
        let (address, taken) = deployer(NOTED);
        let output = report(&quoted.replace("ADDRESS", &address));
        assert!(output.status.success(), "{output:?}");
        let expected = format!("GET /report?{} HTTP/1.1", added());
        assert_eq!(taken.join().unwrap(), expected, "{quoted}");
    }
}

#[test]
fn a_report_that_is_lost_does_no_harm() {
    let (address, taken) = deployer(REFUSED);
    let output = report(&format!("netboot.report=http://{address}/report?mac=x"));
    assert!(output.status.success(), "{output:?}");
    taken.join().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("the system continues without"));

    // No server listens.
    let closed = ReservedPort::new();
    let output = report(&format!("netboot.report=http://{}/report?mac=x", closed.address()));
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the system continues without"));
}

#[test]
fn without_the_parameter_nothing_is_reported() {
    let output = report("init=/nix/store/x/init not.netboot.report=http://127.0.0.1:1/");
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout)
            .contains("no report: the kernel parameter netboot.report is not set")
    );
    assert_eq!(output.stderr, b"");
}
