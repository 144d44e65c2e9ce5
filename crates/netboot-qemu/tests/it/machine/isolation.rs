//! A machine reaches its web server and nothing else, and is nobody's double.

use std::io::ErrorKind;
use std::net::TcpListener;

use netboot_qemu::{BootReport, Firmware, NetworkAccess};

use crate::machine::site::{Site, machine};

/// Two services on the loopback interface that are not the web server: one of this host, and the
/// one to which production machines send reports.
struct Others([TcpListener; 2]);

impl Others {
    fn new() -> Self {
        Self(["127.0.0.1:0"; 2].map(|address| {
            let listener = TcpListener::bind(address).unwrap();
            listener.set_nonblocking(true).unwrap();
            listener
        }))
    }

    /// A script that tries to reach them at every address that QEMU's network has for this host.
    fn script(&self) -> String {
        let ports = self.0.each_ref().map(|listener| listener.local_addr().unwrap().port());
        let mut script = "#!ipxe\n".to_owned();
        for host in ["10.0.2.2", "10.0.2.3", "10.0.2.100", "[fec0::2]"] {
            for (port, path) in [(ports[0], "private"), (ports[1], "report?stage=init")] {
                let fetch = format!("imgfetch --timeout 1000 http://{host}:{port}/{path} ||\n");
                script.push_str(&fetch);
            }
        }
        script
            + "echo I-AM ${net0/mac} ${uuid} ${serial}\nimgfetch boot.ipxe && echo TRIED-ALL\n\
                  sleep 600\n"
    }

    /// The number of services that somebody connected to.
    fn reached(&self) -> usize {
        let is_reached = |listener: &&TcpListener| match listener.accept() {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        };
        self.0.iter().filter(is_reached).count()
    }
}

async fn boot(site: &Site, firmware: Firmware, access: NetworkAccess) -> BootReport {
    let machine = machine(firmware).network_access(access).expect("TRIED-ALL");
    let report = site.boot(machine, "boot.ipxe").await;
    report.ensure_success().unwrap();
    report
}

/// The words that a machine says about itself.
fn identity(report: &BootReport) -> Vec<String> {
    let console = report.console.replace(['\r', '\n'], " ");
    let (_, words) = console.split_once("I-AM ").unwrap();
    words.split_whitespace().take(3).map(str::to_owned).collect()
}

#[tokio::test]
async fn nothing_but_the_web_server_is_reached_and_each_boot_is_another_machine() {
    let others = Others::new();
    let site = Site::with_script(&others.script()).await;
    let mut identities = Vec::new();
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let report = boot(&site, firmware, NetworkAccess::default()).await;
        assert_eq!(others.reached(), 0, "{firmware}: {}", report.console);
        identities.push(identity(&report));
    }
    for (of_bios, of_uefi) in identities[0].iter().zip(&identities[1]) {
        assert_ne!(of_bios, of_uefi);
    }
    for identity in &identities {
        // Bit 1 of the first octet: the address is locally administered.
        let first = u8::from_str_radix(&identity[0][..2], 16).unwrap();
        assert_eq!(first & 0b11, 0b10, "{identity:?}");
        assert!(!identity[0].starts_with("52:54:00:12:34"), "{identity:?}");
        assert!(identity[2].starts_with("netboot-"), "{identity:?}");
    }
    // A caller who asks for it gets the network. So the machines above could have tried.
    boot(&site, Firmware::Bios, NetworkAccess::Unrestricted).await;
    assert_eq!(others.reached(), 2);
}
