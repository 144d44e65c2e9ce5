//! The hints of refused settings are followed, and the settings are taken.

use std::time::Duration;

use netboot_core::Architecture;
use netboot_ipxe::dhcp::{
    BootFilePath, BootServer, BootUrl, ClientArchitecture, DhcpServer, DhcpSettings, InterfaceName,
    KnownMachine, TftpRoot, ipv4_address, ipv4_subnet,
};

use super::{boot_server, builder, leasing};
use crate::followed_hints::follow;

#[test]
fn names_paths_and_urls_as_the_hints_describe_them_are_taken() {
    let name = InterfaceName::new("eth 0");
    follow(name, "the name that `ip link` shows", InterfaceName::new("eno1"));
    let path = BootFilePath::new("/efi/ipxe.efi");
    follow(path, "a relative path of at most 127 bytes", BootFilePath::new("efi/ipxe.efi"));
    let root = TftpRoot::new("srv/tftp");
    follow(root, "give an absolute path", TftpRoot::new("/srv/tftp"));
    let url = |text: &str| text.parse::<BootUrl>();
    let good = || url("http://10.0.0.1/boot.ipxe");
    follow(url("nfs://10.0.0.1/boot.ipxe"), "an http, https or tftp URL", good());
    follow(url("http://me:secret@10.0.0.1/boot.ipxe"), "without a password", good());
    follow(url("http://localhost/boot.ipxe"), "at which machines reach the server", good());
    let named = |name: &str| {
        let server = boot_server().with_http_boot("http://10.77.0.1/ipxe").unwrap();
        server.with_boot_file(ClientArchitecture::EfiX64, name).unwrap().http_boot_files()
    };
    follow(named("ipxe"), "a name that ends in `.efi`", named("ipxe.efi"));
    let program = |architecture: Architecture| {
        boot_server().with_boot_program("http://10.77.0.1/", architecture)
    };
    let without_power = program(Architecture::Aarch64);
    follow(program(Architecture::Powerpc64le), "leave the architecture out", without_power);
    let secure = |url: &str| {
        let server = BootServer::new("10.77.0.1".parse().unwrap(), "http://10.77.0.1/x").unwrap();
        let server = server.with_boot_program(url, Architecture::X86_64).unwrap();
        leasing(super::builder_with(server.with_https_only())).build()
    };
    let hint = "give its `https://` URL, and enrol the certificate";
    follow(secure("http://boot.example.org/"), hint, secure("https://boot.example.org/"));
    // TFTP has no such rule.
    let by_tftp = BootServer::new("10.77.0.1".parse().unwrap(), "http://10.77.0.1/x").unwrap();
    let by_tftp = by_tftp.with_boot_file(ClientArchitecture::EfiX64, "ipxe").unwrap();
    leasing(super::builder_with(by_tftp)).build().unwrap();
    let server = "isc".parse::<DhcpServer>();
    follow(
        server,
        "use kea, dnsmasq or dhcpd; ISC ended dhcpd in 2022",
        "kea".parse::<DhcpServer>(),
    );
}

#[test]
fn addresses_as_the_hints_describe_them_are_taken() {
    let address = |text: &str| text.parse().unwrap();
    let of_subnet =
        |subnet: &str| DhcpSettings::builder("lo", subnet.parse().unwrap(), boot_server()).unwrap();
    let small = of_subnet("10.77.0.0/31").build();
    follow(small, "give a subnet such as 192.168.1.0/24", of_subnet("192.168.1.0/24").build());
    let six = ipv4_subnet("2001:db8::/64".parse().unwrap());
    follow(six, "such as 10.0.0.0/24", ipv4_subnet("10.0.0.0/24".parse().unwrap()));
    let tftp = netboot_ipxe::dhcp::DhcpSetting::ServerAddress;
    let six = ipv4_address(tftp, "fe80::1".parse().unwrap());
    follow(six, "boot the machines over IPv4", ipv4_address(tftp, "10.0.0.1".parse().unwrap()));
    let here = BootServer::new(address("127.0.0.1"), "http://10.0.0.1/x");
    let there = BootServer::new(address("10.0.0.1"), "http://10.0.0.1/x");
    follow(here, "the address at which machines reach the server", there);
    let range = |first, last| builder().leases(address(first), address(last)).build();
    let free = || range("10.77.0.100", "10.77.0.199");
    follow(range("10.77.0.1", "10.77.0.199"), "a range without the addresses of servers", free());
    let last = range("10.77.0.100", "10.77.0.255");
    follow(last, "other than its first and its last", free());
    let lease = |seconds| leasing(builder()).lease_time(Duration::from_secs(seconds)).build();
    follow(lease(60), "an hour is usual", lease(3600));
}

#[test]
fn machines_as_the_hints_describe_them_are_taken() {
    let machine = |last: u8| KnownMachine::new(format!("52:54:00:00:01:{last:02x}")).unwrap();
    let address = "10.77.0.30".parse().unwrap();
    let once = || leasing(builder()).machine(machine(1));
    let twice = once().machine(machine(1)).build();
    follow(twice, "give it once", once().build());
    let beside = || {
        let subnet = "10.77.0.0/24".parse().unwrap();
        DhcpSettings::builder("lo", subnet, boot_server()).unwrap()
    };
    let nobody = beside().known_machines_only().build();
    let known = beside().known_machines_only().machine(machine(1)).build();
    follow(nobody, "add the machines by their hardware addresses", known);
    let reserved = beside().machine(machine(1).with_address(address)).build();
    let hint = "set the address in the server that leases the addresses";
    follow(reserved, hint, beside().machine(machine(1)).build());
    // Each of the three ways.
    let alone = || beside().build().unwrap().configuration(DhcpServer::Kea);
    let hint = "use dnsmasq beside the other server, or let this server lease a range, or include";
    follow(alone(), hint, beside().build().unwrap().configuration(DhcpServer::Dnsmasq));
    let leased = leasing(beside()).build().unwrap().configuration(DhcpServer::Kea);
    follow(alone(), hint, leased);
    follow(alone(), hint, beside().build().unwrap().boot_options(DhcpServer::Kea));
}
