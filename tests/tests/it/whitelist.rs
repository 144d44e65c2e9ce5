//! Shows what a list of known machines does not protect against.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use netboot_core::{Artifact, ArtifactKind, BytesArtifact, FileName, layout};
use netboot_ipxe::{Assignment, Fleet, MachineKey, UnknownMachine};
use netboot_qemu::{Machine, SystemIdentity};
use netboot_testbed::cpio;
use netboot_tests::SmallSite;

const KNOWN: &str = "52:54:00:00:00:01";
const UNKNOWN: &str = "52:54:00:00:00:99";
const SERIAL: &str = "SN-7";

fn overlay() -> Arc<dyn Artifact> {
    let archive = cpio(&[("etc/node", b"node-1\n")]);
    let name = FileName::new("node-1.cpio").unwrap();
    Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, archive).unwrap())
}

/// A site that knows one machine by its MAC address and one by its serial number, and refuses all
/// others.
async fn site() -> SmallSite {
    let assignment = |name: &str, key| Assignment::new(name, "worker").unwrap().with_key(key);
    let fleet = Fleet::builder(UnknownMachine::Refuse)
        .assignment(
            assignment("node-1", MachineKey::Mac(KNOWN.parse().unwrap())).with_overlay(overlay()),
        )
        .assignment(assignment("node-2", MachineKey::Serial(SERIAL.parse().unwrap())))
        .build()
        .unwrap();
    SmallSite::publish(SmallSite::renderer().fleet(fleet), &["worker"]).await
}

#[tokio::test]
async fn a_machine_that_says_it_is_another_boots_what_that_one_boots() {
    let site = site().await;
    let expected = ["this machine is node-1", "Netboot starts worker"];
    site.boot("boot.ipxe", SmallSite::machine(KNOWN), &expected).await;
    let identity = SystemIdentity::new().with_serial(SERIAL);
    let machine = SmallSite::machine(UNKNOWN).identity(identity);
    site.boot("boot.ipxe", machine, &["this machine is node-2", "Netboot starts worker"]).await;
}

#[tokio::test]
async fn a_profiles_own_entry_asks_nobody_who_they_are() {
    let site = site().await;
    let machine = || Machine::builder().mac(UNKNOWN);
    site.boot("boot.ipxe", machine(), &["unknown machines are refused"]).await;
    site.boot("worker/netboot.ipxe", machine(), &["Netboot starts worker"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_fetch_what_known_machines_boot() {
    let site = site().await;
    let image = &site.release().manifest().images()["worker"];
    for digest in [image.kernel.sha256, image.initrds[0].sha256, overlay().sha256()] {
        let answer = get(&site, layout::blob(&digest).as_str());
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    let said = get(&site, layout::blob(&overlay().sha256()).as_str());
    assert!(String::from_utf8_lossy(&said).contains("node-1\n"));
}

/// Requests a file like any program, and returns the complete answer.
fn get(site: &SmallSite, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(site.server().address()).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: boot\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}
