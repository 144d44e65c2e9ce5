//! The exact files. `UPDATE_GOLDEN=1` writes them.

use netboot_ipxe::dhcp::{DhcpServer, DhcpSettings, DhcpSettingsBuilder};

use super::{boot_server, builder, leasing};
use crate::golden_file;

fn assert_golden(name: &str, text: &str) {
    golden_file::assert_golden(&format!("dhcp/{name}"), text);
}

#[test]
fn every_server_says_the_same_in_its_own_words() {
    let settings = leasing(builder()).known_machines_only().build().unwrap();
    for (server, file) in [
        (DhcpServer::Dnsmasq, "dnsmasq.conf"),
        (DhcpServer::Kea, "kea-dhcp4.conf"),
        (DhcpServer::IscDhcpd, "dhcpd.conf"),
    ] {
        assert_golden(file, &settings.configuration(server).unwrap());
    }
}

#[test]
fn boot_options_leave_addresses_to_the_file_that_includes_them() {
    let settings = leasing(builder()).known_machines_only().build().unwrap();
    for (server, file) in [
        (DhcpServer::Dnsmasq, "dnsmasq-boot-options.conf"),
        (DhcpServer::Kea, "kea-client-classes.json"),
        (DhcpServer::IscDhcpd, "dhcpd-boot-options.conf"),
    ] {
        let options = settings.boot_options(server).unwrap();
        // There is no address, and nothing that makes an unknown machine known.
        for text in ["10.77.0.100", "10.77.0.20\"", "10.77.0.20;", "10.77.0.20\n"] {
            assert!(!options.contains(text), "{options}");
        }
        assert!(!options.contains("host") && !options.contains("reservations"), "{options}");
        assert!(options.contains("machines/two.ipxe"), "{options}");
        assert_golden(file, &options);
    }
}

#[test]
fn dnsmasq_beside_another_server() {
    let subnet = "10.77.0.0/24".parse().unwrap();
    let settings = DhcpSettings::builder("lo", subnet, boot_server()).unwrap().build().unwrap();
    let configuration = settings.configuration(DhcpServer::Dnsmasq).unwrap();
    assert_golden("dnsmasq-proxy.conf", &configuration);
    for server in [DhcpServer::Kea, DhcpServer::IscDhcpd] {
        let error = settings.configuration(server).unwrap_err();
        assert!(error.hint().unwrap().contains("dnsmasq"), "{error}");
        settings.boot_options(server).unwrap();
    }
}

#[test]
fn the_order_of_machines_does_not_matter() {
    let (one, two) = ("52:54:00:00:00:05", "52:54:00:00:00:06");
    let file = |macs: [&str; 2]| {
        let known = macs.map(|mac| netboot_ipxe::dhcp::KnownMachine::new(mac).unwrap()).into_iter();
        let settings = known.fold(leasing(builder()), DhcpSettingsBuilder::machine);
        settings.build().unwrap().configuration(DhcpServer::Dnsmasq).unwrap()
    };
    assert_eq!(file([one, two]), file([two, one]));
}
