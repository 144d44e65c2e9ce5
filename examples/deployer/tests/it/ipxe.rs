//! The answers of `/boot` to machines without an image, on real iPXE: iPXE shows the text, and the
//! machine continues as it says.

use std::time::Duration;

use netboot_core::Context;
use netboot_ipxe::{Fleet, Renderer, UnknownMachine};
use netboot_qemu::{BootReport, Machine, MachineBuilder, NetworkAccess, SystemIdentity};

use crate::service::{PATIENCE, Place, SITES, Service};
use crate::small_release;

const MAC: &str = "52:54:00:00:07:01";
const KNOWN: &str = "[[machines.known]]\nname = 'node01'\nmatch = { mac = '52:54:00:00:07:01' }\n\
                     profile = 'worker'\n";

/// A place with the URL under which machines in QEMU reach this machine.
fn place(machines: &str) -> Place {
    let place = Place::new("ipxe");
    let port = place.port.number();
    let at = |name: &str| place.path(name).display().to_string();
    place.write_configuration(&format!(
        "[deployer]\nlisten = '127.0.0.1:{port}'\nurl = 'http://10.0.2.2:{port}'\nstate-directory = '{}'\n\
         [flake]\nreference = 'path:{}'\n[targets]\nlocal = '{}'\n\
         {machines}",
        at("state"),
        at("flake"),
        at(SITES[0]),
    ));
    place
}

fn machine() -> MachineBuilder {
    let machine = Machine::builder().mac(MAC).memory_mib(256);
    // The script names the service by the URL of the configuration.
    let machine = machine.network_access(NetworkAccess::Unrestricted);
    machine.timeout(PATIENCE)
}

async fn boot(service: &Service, machine: MachineBuilder, expected: &[&str]) -> BootReport {
    let machine = expected.iter().fold(machine, |machine, text| machine.expect(*text));
    let url = format!("{}/boot", service.url).parse().unwrap();
    let report = machine.build().unwrap().boot(&url, &Context::new()).await.unwrap();
    assert!(report.missing.is_empty(), "no {:?} in:\n{}", report.missing, report.console);
    report
}

#[tokio::test]
async fn a_machine_waits_for_a_release_and_boots_it_by_itself() {
    let place = place(KNOWN);
    let service = place.start();
    let expected = ["no release is live yet", "trying again in 5 seconds", "Netboot starts worker"];
    let waits = boot(&service, machine(), &expected);
    let publishes = async {
        // The machine has been told that there is no release.
        loop {
            let seen = service.json("/api/machines/node01").await;
            if seen["last"]["stage"] == "refused" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let (publisher, renderer) = (place.publisher(SITES[0]), small_release::renderer());
        small_release::publish(&publisher, renderer, &["worker"]).await;
    };
    tokio::join!(waits, publishes);
}

#[tokio::test]
async fn a_machine_that_is_not_known_is_shown_the_menu_of_the_live_release() {
    let place = place("[machines]\nunknown = 'menu'\n");
    let fleet = Fleet::builder(UnknownMachine::Menu).build().unwrap();
    let renderer = Renderer::builder().fleet(fleet).menu_timeout(Duration::from_secs(2));
    let publisher = place.publisher(SITES[0]);
    small_release::publish(&publisher, renderer, &["control-plane", "worker"]).await;
    let service = place.start();
    let expected = ["it is not known and shows the menu", "Netboot starts control-plane"];
    boot(&service, machine(), &expected).await;
}

#[tokio::test]
async fn a_machine_that_is_not_known_leaves_for_its_local_disk() {
    let place = place("[machines]\nunknown = 'local-disk'\n");
    let service = place.start();
    let expected = ["it is not known and boots its local disk", "No more network devices"];
    boot(&service, machine(), &expected).await;
    let seen = service.json("/api/machines/52-54-00-00-07-01").await;
    assert_eq!(seen["last"]["stage"], "script", "{seen:#}");
    assert_eq!(seen["last"]["reason"], "it is not known and boots its local disk");
}

#[tokio::test]
async fn a_machine_tells_what_its_firmware_says_of_it_octet_by_octet() {
    let known = "[[machines.known]]\nname = 'node01'\n\
                 match = { serial = 'S/N 7 #1 && ${uuid}', asset-tag = 'T+1' }\n\
                 profile = 'worker'\n";
    let place = place(known);
    let (publisher, renderer) = (place.publisher(SITES[0]), small_release::renderer());
    small_release::publish(&publisher, renderer, &["worker"]).await;
    let service = place.start();
    let identity = SystemIdentity::new().with_serial("S/N 7 #1 && ${uuid}").with_asset_tag("T+1");
    boot(&service, machine().identity(identity), &["Netboot starts worker"]).await;
}
