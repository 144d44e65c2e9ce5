//! Boots that end in iPXE.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use netboot_qemu::{BootOutcome, BootStage, DirectoryServer, Firmware, NetworkAccess};

use super::{GOOD, assert_boots, assert_hint, failure};
use crate::machine::site::{Site, machine};

fn expecting() -> netboot_qemu::MachineBuilder {
    machine(Firmware::Bios).expect("NETBOOT-HERE")
}

#[tokio::test]
async fn a_file_that_was_published_or_named_correctly_boots() {
    let site = Site::with_script("#!ipxe\nchain nxet.ipxe\n").await;
    let url = site.server.url("boot.ipxe");
    let (_, error) = failure(expecting(), &url).await;
    assert_hint(&error, "publish the file, or correct the URL in the script");
    assert_hint(&error, "nxet.ipxe");
    site.write("nxet.ipxe", GOOD);
    assert_boots(expecting(), &url).await;
    site.write("boot.ipxe", "#!ipxe\nchain next.ipxe\n");
    site.write("next.ipxe", GOOD);
    assert_boots(expecting(), &url).await;
}

/// Answers each request with this text, as long as the test runs.
fn server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(answer.as_bytes());
            // A server that says nothing keeps the connection.
            open.extend(answer.is_empty().then_some(connection));
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_lets_the_machine_read_boots_it() {
    let port = server("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let url = format!("http://127.0.0.1:{port}/boot.ipxe").parse().unwrap();
    let (_, error) = failure(expecting(), &url).await;
    assert_hint(&error, "allow reading without a password");
    let site = Site::with_script(GOOD).await;
    assert_boots(expecting(), &site.server.url("boot.ipxe")).await;
}

#[tokio::test]
async fn a_server_that_was_started_or_answers_again_boots_the_machine() {
    // The port is free: the server that had it has stopped.
    let site = Site::with_script(GOOD).await;
    let stopped = DirectoryServer::start(site.path()).await.unwrap();
    let url = stopped.url("boot.ipxe");
    stopped.stop().await;
    let (_, error) = failure(expecting(), &url).await;
    assert_hint(&error, "start the server, and check the port: no server listens at");
    let enough = assert_boots(expecting(), &site.server.url("boot.ipxe")).await;

    // Where the server above answers, this one says nothing.
    let port = server("");
    let url = format!("http://127.0.0.1:{port}/boot.ipxe").parse().unwrap();
    let (report, error) = failure(expecting().timeout(enough), &url).await;
    assert_eq!(report.outcome, BootOutcome::TimedOut, "{report}");
    assert_hint(&error, "check that the server answers");
}

#[tokio::test]
async fn a_script_that_names_a_server_that_is_there_boots() {
    let site = Site::new().await;
    let url = site.server.url("boot.ipxe");
    site.write("next.ipxe", GOOD);
    let open = || expecting().network_access(NetworkAccess::Unrestricted);
    for (server, words) in [
        // No machine has this address in QEMU's network.
        ("10.0.2.77", "check that the server runs and is reachable"),
        // No host has a name of this domain (RFC 6761).
        ("server.invalid", "correct the host name: the host of"),
    ] {
        site.write("boot.ipxe", format!("#!ipxe\nchain http://{server}/next.ipxe\n"));
        let (_, error) = failure(open(), &url).await;
        assert_hint(&error, words);
    }
    let port = site.server.address().port();
    site.write("boot.ipxe", format!("#!ipxe\nchain http://10.0.2.2:{port}/next.ipxe\n"));
    assert_boots(open(), &url).await;
}

#[tokio::test]
async fn a_url_that_ipxe_supports_boots() {
    let site = Site::new().await;
    let port = site.server.address().port();
    site.write("boot.ipxe", format!("#!ipxe\nchain https://10.0.2.2:{port}/next.ipxe\n"));
    site.write("next.ipxe", GOOD);
    let url = site.server.url("boot.ipxe");
    let (_, error) = failure(expecting(), &url).await;
    assert_hint(&error, "serve the file over plain http: the iPXE of a network card");
    let own = url.join("next.ipxe").unwrap();
    let guest = own.as_str().replace("127.0.0.1", "10.0.2.2");
    site.write("boot.ipxe", format!("#!ipxe\nchain {guest}\n"));
    let open = expecting().network_access(NetworkAccess::Unrestricted);
    assert_boots(open, &url).await;
}

#[tokio::test]
async fn a_machine_that_gets_its_time_and_its_keys_boots() {
    let site =
        Site::with_script("#!ipxe\nprompt --key y Press y to boot\necho NETBOOT-HERE\nsleep 600\n")
            .await;
    let url = site.server.url("boot.ipxe");
    let (report, error) = failure(expecting().timeout(Duration::from_millis(300)), &url).await;
    assert_eq!(report.reached, BootStage::Started);
    assert_hint(&error, "allow more time, and check that QEMU's network card has its iPXE ROM");

    let enough = assert_boots(expecting().press("Press y to boot", "y"), &url).await;
    let (_, error) = failure(expecting().timeout(enough), &url).await;
    assert_hint(&error, "press the keys that the script waits for (see press)");
}

#[tokio::test]
async fn the_messages_that_a_hint_points_to_say_what_is_wrong() {
    let script = "#!ipxe\nisset ${role} || echo this machine has no role\n\
                  isset ${role} || exit\necho NETBOOT-HERE\nsleep 600\n";
    let site = Site::with_script(script).await;
    let url = site.server.url("boot.ipxe");
    let (report, error) = failure(expecting(), &url).await;
    assert_hint(&error, "read the messages of the script on the console");
    assert!(report.console.contains("this machine has no role"), "{}", report.console);

    let watched = expecting().fail_on("has no role");
    let (report, error) = failure(watched.clone(), &url).await;
    assert!(matches!(report.outcome, BootOutcome::FailureSeen { .. }), "{report}");
    assert_hint(&error, "the boot failed because of a text that must not come");
    assert!(error.to_string().contains("has no role"), "{error}");
    site.write("boot.ipxe", script.replacen("isset", "set role worker\nisset", 1));
    assert_boots(watched, &url).await;
}
