//! A machine keeps one address from iPXE to its running system.

use std::collections::BTreeSet;

use netboot_core::Context;
use netboot_ipxe::dhcp::{BootServer, DhcpServer, DhcpSettings};
use netboot_qemu::Firmware;
use netboot_tests::{BootNetwork, ClosureReport, ClosureSite, is_long};

/// iPXE and stage 1 ask a real DHCP server, one after the other.
#[tokio::test]
async fn a_machine_takes_one_address_in_one_boot() {
    if !is_long() {
        return;
    }
    let site = ClosureSite::new().await;
    let packed = site.pack(&site.usual_system("address"));
    let target = format!("http://{}/", BootNetwork::ADDRESS);
    let script = format!("{target}{}", ClosureSite::SCRIPT);
    site.publish(&site.release_from(&packed, [target], &[])).await;
    let network = BootNetwork::new();
    let _http = network.serve_directory(&site.published());
    let settings = DhcpSettings::builder(
        BootNetwork::INTERFACE,
        "10.77.0.0/24".parse().unwrap(),
        BootServer::new(BootNetwork::ADDRESS, script.as_str()).unwrap(),
    )
    .unwrap();
    let settings = settings.leases("10.77.0.100".parse().unwrap(), "10.77.0.199".parse().unwrap());
    let configuration = settings.build().unwrap().configuration(DhcpServer::Dnsmasq).unwrap();
    let dhcp = network.start_dnsmasq(network.namespace(), &configuration);

    let plug = network.plug();
    let machine = ClosureSite::machine(Firmware::Bios).expect("CLOSURE-READY address");
    let machine = machine.build().unwrap();
    let report = machine.boot_by_dhcp(plug.link(), &Context::new()).await.unwrap();
    let report = ClosureReport::new(report);
    report.assembled(&packed, "address");

    let log = dhcp.log();
    let given = log.lines().filter_map(|line| line.split_once("DHCPACK(lan) "));
    let given: Vec<_> = given.filter_map(|(_, rest)| rest.split(' ').next()).collect();
    let different: BTreeSet<_> = given.iter().copied().collect();
    assert_eq!(different, BTreeSet::from([report.said("CLOSURE-ADDRESS")]), "{log}");
    // iPXE and stage 1 each asked.
    assert_eq!(given.len(), 2, "{log}");
}
