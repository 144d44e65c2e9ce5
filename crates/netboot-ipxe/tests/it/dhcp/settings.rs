//! Settings that are refused, each with a hint.

use std::net::Ipv4Addr;
use std::time::Duration;

use netboot_core::{Architecture, MacAddress};
use netboot_ipxe::Error;
use netboot_ipxe::dhcp::{
    BootFilePath, BootServer, BootUrl, ClientArchitecture, DhcpProblem, DhcpServer, DhcpSetting,
    DhcpSettings, DhcpSettingsBuilder, InterfaceName, KnownMachine, TftpRoot,
};

use super::{boot_server, builder, leasing};

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> (DhcpSetting, DhcpProblem) {
    let error = result.unwrap_err();
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
    match error {
        Error::InvalidDhcpSetting { setting, problem, .. } => (setting, problem),
        other => panic!("{other}"),
    }
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn mac(last: u8) -> MacAddress {
    MacAddress::new([0x52, 0x54, 0, 0, 0, last]).unwrap()
}

#[test]
fn names_and_paths_that_a_file_would_read_otherwise_are_refused() {
    for name in ["", "eth*", "eth0,tap0", "eth0\nport=53", "-eth0", "an-interface-too-long", "é"] {
        assert_eq!(refused(InterfaceName::new(name)).0, DhcpSetting::InterfaceName, "{name}");
    }
    for path in
        ["", "/a", "a//b", "../a", "a/..", "a b", "a,b", "a\"b", "a#b", "a\nb", "-a", "a\\b", "ü"]
    {
        assert_eq!(refused(BootFilePath::new(path)).0, DhcpSetting::BootFilePath, "{path}");
    }
    for root in ["", "srv", "/", "/srv/", "/srv/../etc", "/a b", "/a,eth0", "/a\"", "/a\nx", "//a"]
    {
        assert_eq!(refused(TftpRoot::new(root)).0, DhcpSetting::TftpRoot, "{root}");
    }
    for name in ["eno1", "enp5s0f1", "br-lan", "vlan.7", "a23456789012345"] {
        InterfaceName::new(name).unwrap();
    }
    BootFilePath::new("efi/x64/ipxe.efi").unwrap();
    BootFilePath::new("a".repeat(127)).unwrap();
    refused(BootFilePath::new("a".repeat(128)));
    TftpRoot::new("/var/lib/netboot+tftp/v1.0").unwrap();
}

#[test]
fn urls_that_a_machine_cannot_use_are_refused() {
    let problem = |text: &str| refused(text.parse::<BootUrl>()).1;
    for text in ["http://localhost/x", "http://127.0.0.1/x", "http://[::1]/x", "http://0.0.0.0/"] {
        assert_eq!(problem(text), DhcpProblem::Unreachable, "{text}");
    }
    for text in ["tftp://localhost/x", "tftp://127.0.0.1/x", "tftp://127.1/x", "tftp://0.0.0.0/x"] {
        assert_eq!(problem(text), DhcpProblem::Unreachable, "{text}");
    }
    for text in ["http://224.0.0.1/x", "http://255.255.255.255/x", "tftp://239.1.1.1/x"] {
        assert_eq!(problem(text), DhcpProblem::Unreachable, "{text}");
    }
    for text in ["http://me:secret@10.0.0.1/x", "http://me@10.0.0.1/x"] {
        assert_eq!(problem(text), DhcpProblem::Credentials);
        let error = text.parse::<BootUrl>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    for text in ["http://me:secret@[10.0.0.1/x", "me:secret@10.0.0.1/x", "//me:secr@et:secret@x"] {
        let error = text.parse::<BootUrl>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    for text in ["", "boot.ipxe", "file:///boot.ipxe", "nfs://10.0.0.1/x", "iscsi:10.0.0.1"] {
        assert!(matches!(problem(text), DhcpProblem::Malformed { .. }), "{text}");
    }
    let comma = DhcpProblem::ForbiddenCharacter { character: ',' };
    assert_eq!(problem("http://10.0.0.1/a,10.0.0.2"), comma);
    let long = format!("http://10.0.0.1/{}", "a".repeat(127 - 16));
    assert_eq!(long.parse::<BootUrl>().unwrap().as_str().len(), 127);
    let too_long = DhcpProblem::TooLong { length: 128, limit: 127 };
    assert_eq!(problem(&format!("{long}a")), too_long);
    // Text that iPXE would expand is percent-encoded.
    let url: BootUrl = "http://10.0.0.1/${mac}.ipxe".parse().unwrap();
    assert_eq!(url.as_str(), "http://10.0.0.1/%24%7Bmac%7D.ipxe");
}

#[test]
fn addresses_must_fit_each_other() {
    let leases =
        |first: &str, last: &str| refused(builder().leases(address(first), address(last)).build());
    let outside = (DhcpSetting::AddressRange, DhcpProblem::OutsideSubnet);
    assert_eq!(leases("10.78.0.1", "10.77.0.9"), outside);
    assert_eq!(leases("10.77.0.0", "10.77.0.9"), outside);
    assert_eq!(leases("10.77.0.3", "10.77.0.255"), outside);
    let backwards = (DhcpSetting::AddressRange, DhcpProblem::Backwards);
    assert_eq!(leases("10.77.0.9", "10.77.0.3"), backwards);
    let server = (DhcpSetting::ServerAddress, DhcpProblem::InRange);
    assert_eq!(leases("10.77.0.1", "10.77.0.9"), server);
    let router = (DhcpSetting::Router, DhcpProblem::InRange);
    assert_eq!(leases("10.77.0.3", "10.77.0.254"), router);
    let router = builder().router(address("10.78.0.1")).build();
    assert_eq!(refused(router), (DhcpSetting::Router, DhcpProblem::OutsideSubnet));
    let name_server = builder().name_server(address("127.0.0.53")).build();
    assert_eq!(refused(name_server), (DhcpSetting::NameServer, DhcpProblem::Unreachable));
    for subnet in ["10.77.0.0/31", "10.77.0.0/32", "0.0.0.0/0"] {
        let settings = DhcpSettings::builder("lo", subnet.parse().unwrap(), boot_server()).unwrap();
        assert_eq!(refused(settings.build()).0, DhcpSetting::Subnet, "{subnet}");
    }
    for server in ["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"] {
        let server = BootServer::new(address(server), "http://a/b");
        assert_eq!(refused(server), (DhcpSetting::ServerAddress, DhcpProblem::Unreachable));
    }
}

#[test]
fn firmware_without_a_boot_file_is_given_none() {
    let server = boot_server().without_boot_file(ClientArchitecture::EfiX64);
    let settings = leasing(super::builder_with(server)).build().unwrap();
    for server in DhcpServer::ALL {
        let text = settings.configuration(server).unwrap();
        assert!(text.contains("undionly.kpxe") && !text.contains("/ipxe/ipxe.efi"), "{text}");
        // The codes 7 and 16 are not in the file.
        for code in ["client-arch,7", "client-arch,16", "0x0007", "0x0010", "00:07", "00:10"] {
            assert!(!text.contains(code), "{text}");
        }
    }
}

#[test]
fn boot_files_lie_in_a_directory() {
    let server = boot_server().with_http_boot("http://10.77.0.1/get?file=").unwrap();
    let settings = leasing(super::builder_with(server)).build();
    let (setting, problem) = refused(settings);
    assert_eq!(setting, DhcpSetting::BootUrl);
    assert!(matches!(problem, DhcpProblem::Malformed { .. }), "{problem}");
}

#[test]
fn lease_times_are_bounded() {
    let lease = |seconds| leasing(builder()).lease_time(Duration::from_secs(seconds)).build();
    for seconds in [0, 119, 366 * 24 * 3600 + 1] {
        assert_eq!(refused(lease(seconds)).0, DhcpSetting::LeaseTime);
    }
    lease(120).unwrap();
}

#[test]
fn machines_are_known_once() {
    let with = |builder: DhcpSettingsBuilder, machine| refused(builder.machine(machine).build());
    let duplicate = (DhcpSetting::Machine, DhcpProblem::Duplicate);
    assert_eq!(with(leasing(builder()), KnownMachine::new(mac(1)).unwrap()), duplicate);
    for taken in ["10.77.0.20", "10.77.0.1", "10.77.0.254"] {
        let machine = KnownMachine::new(mac(9)).unwrap().with_address(address(taken));
        assert_eq!(with(leasing(builder()), machine), duplicate, "{taken}");
    }
    let machine = KnownMachine::new(mac(9)).unwrap().with_address(address("10.78.0.1"));
    let outside = (DhcpSetting::Machine, DhcpProblem::OutsideSubnet);
    assert_eq!(with(leasing(builder()), machine), outside);
    // dnsmasq and Kea keep a reserved address of the range for its machine.
    let machine = KnownMachine::new(mac(9)).unwrap().with_address(address("10.77.0.150"));
    let settings = leasing(builder()).machine(machine).build().unwrap();
    settings.configuration(DhcpServer::Dnsmasq).unwrap();
    settings.configuration(DhcpServer::Kea).unwrap();
    let in_range = (DhcpSetting::Machine, DhcpProblem::InRange);
    assert_eq!(refused(settings.configuration(DhcpServer::IscDhcpd)), in_range);
    let shared = KnownMachine::new("88:88:88:88:87:88").unwrap();
    let error = leasing(builder()).machine(shared).build().unwrap_err();
    assert!(matches!(error, Error::SharedIdentity { .. }), "{error:?}");
    // If another server leases the addresses, this one cannot reserve an address.
    let not_leasing = (DhcpSetting::Machine, DhcpProblem::NotLeasing);
    assert_eq!(refused(builder().build()), not_leasing);
    let subnet = "10.77.0.0/24".parse().unwrap();
    let nobody = DhcpSettings::builder("lo", subnet, boot_server()).unwrap().known_machines_only();
    assert_eq!(refused(nobody.build()), (DhcpSetting::Machine, DhcpProblem::NoneKnown));
}

#[test]
fn firmware_gets_the_programs_of_a_target_by_its_architecture() {
    let server = boot_server()
        .with_boot_program("http://10.77.0.1/published/", Architecture::X86_64)
        .unwrap()
        .with_boot_program("http://10.77.0.1/published/worker", Architecture::Riscv64)
        .unwrap();
    let urls = server.http_boot_files().unwrap();
    let url = |client| urls.get(&client).map(BootUrl::as_str);
    let of_target = "http://10.77.0.1/published/boot-x86_64.efi";
    assert_eq!(url(ClientArchitecture::EfiX64), Some(of_target));
    let of_profile = "http://10.77.0.1/published/worker/boot-riscv64.efi";
    assert_eq!(url(ClientArchitecture::EfiRiscv64), Some(of_profile));
    // The other directory still serves the others.
    let other = "http://10.77.0.1/ipxe/arm64/ipxe.efi";
    assert_eq!(url(ClientArchitecture::EfiArm64), Some(other));
    let settings = leasing(super::builder_with(server)).build().unwrap();
    for server in [DhcpServer::Kea, DhcpServer::Dnsmasq, DhcpServer::IscDhcpd] {
        let text = settings.configuration(server).unwrap();
        assert!(text.contains(of_target) && text.contains(of_profile), "{text}");
    }
}
