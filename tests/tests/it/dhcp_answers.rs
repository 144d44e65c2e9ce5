//! Real DHCP servers with Netboot's configuration answer each kind of firmware, and iPXE.

use netboot_ipxe::dhcp::{
    BootServer, ClientArchitecture, DhcpServer, DhcpSettings, DhcpSettingsBuilder, IpxeSign,
    KnownMachine,
};
use netboot_tests::{BootNetwork, DhcpClient, Namespace, Offer, Server};

const UNKNOWN: &str = "52:54:00:00:00:99";
const PLAIN: &str = "52:54:00:00:00:01";
/// The machine with its own address and script.
const SPECIAL: &str = "52:54:00:00:00:02";

fn boot_server() -> BootServer {
    BootServer::new(BootNetwork::ADDRESS, "http://10.77.0.1/boot.ipxe")
        .unwrap()
        .with_boot_file(ClientArchitecture::EfiIa32, "ipxe-i386.efi")
        .unwrap()
        .with_boot_file(ClientArchitecture::EfiArm64, "arm64/ipxe.efi")
        .unwrap()
        .with_http_boot("http://10.77.0.1/ipxe")
        .unwrap()
}

fn builder(server: BootServer) -> DhcpSettingsBuilder {
    let subnet = "10.77.0.0/24".parse().unwrap();
    DhcpSettings::builder(BootNetwork::INTERFACE, subnet, server)
        .unwrap()
        .leases("10.77.0.100".parse().unwrap(), "10.77.0.199".parse().unwrap())
        .machine(KnownMachine::new(PLAIN).unwrap())
        .machine(
            KnownMachine::new(SPECIAL)
                .unwrap()
                .with_address("10.77.0.20".parse().unwrap())
                .with_script("http://10.77.0.1/machines/two.ipxe")
                .unwrap(),
        )
}

fn start(
    network: &BootNetwork,
    host: &Namespace,
    server: DhcpServer,
    settings: &DhcpSettings,
) -> Server {
    start_with(network, host, server, &settings.configuration(server).unwrap())
}

fn start_with(
    network: &BootNetwork,
    host: &Namespace,
    server: DhcpServer,
    configuration: &str,
) -> Server {
    match server {
        DhcpServer::Dnsmasq => network.start_dnsmasq(host, configuration),
        DhcpServer::Kea => network.start_kea(host, configuration),
        DhcpServer::IscDhcpd => network.start_dhcpd(host, configuration),
        other => panic!("no {other} here"),
    }
}

fn assert_offer(offer: Option<Offer>, boot_file: Option<&str>, what: &str, server: &Server) {
    let offer = offer.unwrap_or_else(|| panic!("no offer for {what}:\n{}", server.log()));
    assert_eq!(offer.boot_file.as_deref(), boot_file, "{what}: {offer:?}\n{}", server.log());
    let by_tftp = boot_file.is_some_and(|file| !file.contains("://"));
    if by_tftp {
        assert_eq!(offer.next_server, Some(BootNetwork::ADDRESS), "{what}");
    }
}

/// Checks the answers of a server to each kind of client.
fn check_answers(server: DhcpServer) {
    let network = BootNetwork::new();
    let settings = builder(boot_server()).build().unwrap();
    let running = start(&network, network.namespace(), server, &settings);
    let client = DhcpClient::new(&network, UNKNOWN);
    for (code, file) in [
        (0, Some("undionly.kpxe")),
        (6, Some("ipxe-i386.efi")),
        (7, Some("ipxe.efi")),
        (9, Some("ipxe.efi")),
        (11, Some("arm64/ipxe.efi")),
        (27, None),
    ] {
        let what = format!("firmware of architecture {code}");
        assert_offer(client.ask_as_firmware(code, "PXEClient"), file, &what, &running);
        let script = Some("http://10.77.0.1/boot.ipxe");
        let what = format!("iPXE of architecture {code}");
        assert_offer(client.ask_as_ipxe(code), script, &what, &running);
        // With lengths before the classes (RFC 3004, section 4).
        for class in ["\x04iPXE", "\x04iPXE\x06rack-7"] {
            let what = format!("iPXE of architecture {code} with the class {class:?}");
            assert_offer(client.ask_as_ipxe_of_class(code, class), script, &what, &running);
        }
    }
    // Firmware that boots by HTTP only accepts an answer with its vendor class.
    for (code, url) in [
        (15, "http://10.77.0.1/ipxe/ipxe-i386.efi"),
        (16, "http://10.77.0.1/ipxe/ipxe.efi"),
        (19, "http://10.77.0.1/ipxe/arm64/ipxe.efi"),
    ] {
        let what = format!("firmware of architecture {code} by HTTP");
        let offer = client.ask_as_firmware(code, "HTTPClient");
        assert_offer(offer.clone(), Some(url), &what, &running);
        assert_eq!(offer.unwrap().vendor_class.as_deref(), Some("HTTPClient"), "{what}");
    }
    // An iPXE with another user class counts as firmware.
    let other = client.ask_as_ipxe_of_class(0, "none");
    assert_offer(other, Some("undionly.kpxe"), "another user class", &running);

    let client = DhcpClient::new(&network, SPECIAL);
    let offer = client.ask_as_ipxe(7);
    let script = Some("http://10.77.0.1/machines/two.ipxe");
    assert_offer(offer.clone(), script, "a machine with a script", &running);
    assert_eq!(offer.unwrap().address, Some("10.77.0.20".parse().unwrap()));
    let firmware = client.ask_as_firmware(7, "PXEClient");
    assert_offer(firmware, Some("ipxe.efi"), "the firmware of one with a script", &running);
}

#[test]
fn dnsmasq_answers_each_kind_of_client() {
    check_answers(DhcpServer::Dnsmasq);
}

#[test]
fn kea_answers_each_kind_of_client() {
    check_answers(DhcpServer::Kea);
}

#[test]
fn dhcpd_answers_each_kind_of_client() {
    check_answers(DhcpServer::IscDhcpd);
}

#[test]
fn unknown_machines_get_no_answer_where_only_known_ones_are_served() {
    for server in DhcpServer::ALL {
        let network = BootNetwork::new();
        let settings = builder(boot_server()).known_machines_only().build().unwrap();
        let running = start(&network, network.namespace(), server, &settings);
        for known in [PLAIN, SPECIAL] {
            let offer = DhcpClient::new(&network, known).ask_as_firmware(7, "PXEClient");
            assert_offer(offer, Some("ipxe.efi"), &format!("{known} by {server}"), &running);
        }
        let unknown = DhcpClient::new(&network, UNKNOWN);
        let offers = [unknown.ask_as_firmware(7, "PXEClient"), unknown.ask_as_ipxe(7)];
        assert_eq!(offers, [None, None], "{server}:\n{}", running.log());
    }
}

#[test]
fn ipxe_is_also_told_by_its_own_options() {
    for server in DhcpServer::ALL {
        let network = BootNetwork::new();
        let sign = IpxeSign::EncapsulatedOptions;
        let settings = builder(boot_server().with_ipxe_sign(sign)).build().unwrap();
        let running = start(&network, network.namespace(), server, &settings);
        let client = DhcpClient::new(&network, UNKNOWN);
        let script = Some("http://10.77.0.1/boot.ipxe");
        let what = format!("an iPXE of another class by {server}");
        assert_offer(client.ask_as_ipxe_of_class(0, "rack-7"), script, &what, &running);
        let file = Some("undionly.kpxe");
        let what = format!("firmware by {server}");
        assert_offer(client.ask_as_firmware(0, "PXEClient"), file, &what, &running);
    }
}

/// Beside another server, dnsmasq answers firmware that boots by TFTP or by HTTP, and iPXE.
#[test]
fn a_proxy_answers_firmware_that_boots_by_http() {
    let network = BootNetwork::new();
    let subnet = "10.77.0.0/24".parse().unwrap();
    let settings = DhcpSettings::builder(BootNetwork::INTERFACE, subnet, boot_server())
        .unwrap()
        .build()
        .unwrap();
    let running = start(&network, network.namespace(), DhcpServer::Dnsmasq, &settings);
    let client = DhcpClient::new(&network, UNKNOWN);
    for (code, url) in [
        (15, "http://10.77.0.1/ipxe/ipxe-i386.efi"),
        (16, "http://10.77.0.1/ipxe/ipxe.efi"),
        (19, "http://10.77.0.1/ipxe/arm64/ipxe.efi"),
    ] {
        let what = format!("firmware of architecture {code} by HTTP");
        let offer = client.ask_as_firmware(code, "HTTPClient");
        assert_offer(offer.clone(), Some(url), &what, &running);
        assert_eq!(offer.unwrap().vendor_class.as_deref(), Some("HTTPClient"), "{what}");
    }
    let bios = client.ask_as_firmware(0, "PXEClient");
    assert_offer(bios.clone(), Some("undionly.kpxe"), "BIOS", &running);
    assert_eq!(bios.unwrap().vendor_class.as_deref(), Some("PXEClient"));
    let script = Some("http://10.77.0.1/boot.ipxe");
    for class in ["iPXE", "\x04iPXE"] {
        assert_offer(client.ask_as_ipxe_of_class(7, class), script, class, &running);
    }
}

/// A custom configuration around the boot options, which serves only one machine.
fn around(server: DhcpServer, options: &str) -> String {
    let interface = BootNetwork::INTERFACE;
    match server {
        DhcpServer::Dnsmasq => format!(
            "port=0\ninterface={interface}\ndhcp-range=10.77.0.100,10.77.0.199,255.255.255.0,1h\n\
             dhcp-host={SPECIAL},10.77.0.30\ndhcp-ignore=tag:!known\n{options}"
        ),
        DhcpServer::Kea => format!(
            r#"{{
  "Dhcp4": {{
                "interfaces-config": {{ "interfaces": ["{interface}"] }},
                "client-classes": {options},
                "subnet4": [{{
                    "id": 1,
                    "subnet": "10.77.0.0/24",
                    "pools": [{{ "pool": "10.77.0.100 - 10.77.0.199", "client-class": "KNOWN" }}],
                    "reservations": [{{ "hw-address": "{SPECIAL}", "ip-address": "10.77.0.30" }}]
                }}]
            }} }}"#
        ),
        DhcpServer::IscDhcpd => format!(
            "{options}\nhost theirs {{ hardware ethernet {SPECIAL}; fixed-address 10.77.0.30; }}\n\
             subnet 10.77.0.0 netmask 255.255.255.0 {{\n\
               pool {{ range 10.77.0.100 10.77.0.199; deny unknown-clients; }}\n\
             }}\n"
        ),
        other => panic!("no {other} here"),
    }
}

#[test]
fn boot_options_change_neither_addresses_nor_who_is_served() {
    for server in DhcpServer::ALL {
        let network = BootNetwork::new();
        let options = builder(boot_server()).build().unwrap().boot_options(server).unwrap();
        let configuration = around(server, &options);
        let running = start_with(&network, network.namespace(), server, &configuration);
        let special = DhcpClient::new(&network, SPECIAL);
        let offer = special.ask_as_ipxe(7);
        let script = Some("http://10.77.0.1/machines/two.ipxe");
        assert_offer(offer.clone(), script, &format!("iPXE by {server}"), &running);
        assert_eq!(offer.unwrap().address, Some("10.77.0.30".parse().unwrap()), "{server}");
        let firmware = special.ask_as_firmware(7, "PXEClient");
        assert_offer(firmware, Some("ipxe.efi"), &format!("firmware by {server}"), &running);
        let plain = DhcpClient::new(&network, PLAIN).ask_as_ipxe(7);
        assert_eq!(plain, None, "{server}:\n{}", running.log());
    }
}
