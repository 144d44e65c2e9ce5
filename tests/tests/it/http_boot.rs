//! UEFI firmware boots by HTTP without TFTP: it asks a real DHCP server with Netboot's
//! configuration, and fetches iPXE from the URL in the answer. iPXE fetches the script.

use std::fs;

use netboot_core::{Architecture, Context};
use netboot_ipxe::dhcp::{BootServer, DhcpServer, DhcpSettings};
use netboot_qemu::{BootStage, Firmware, Machine};
use netboot_testbed::{DebianTree, PATIENCE};
use netboot_tests::{BootNetwork, SmallSite};

const MAC: &str = "52:54:00:77:00:16";

async fn firmware_boots_by_http(server: DhcpServer) {
    let network = BootNetwork::new();
    let published = network.directory().join("published");
    fs::create_dir_all(published.join("ipxe")).unwrap();
    fs::copy("/usr/lib/ipxe/ipxe.efi", published.join("ipxe/ipxe.efi")).unwrap();
    let script = "#!ipxe\necho BOOTED-BY-HTTP ${net0/mac}\nsleep 600\n";
    fs::write(published.join("boot.ipxe"), script).unwrap();
    let http = network.serve_directory(&published);

    let boot = BootServer::new(BootNetwork::ADDRESS, "http://10.77.0.1/boot.ipxe").unwrap();
    let boot = boot.with_http_boot("http://10.77.0.1/ipxe").unwrap();
    let subnet = "10.77.0.0/24".parse().unwrap();
    let settings = DhcpSettings::builder(BootNetwork::INTERFACE, subnet, boot).unwrap();
    let leases = ["10.77.0.100", "10.77.0.199"].map(|address| address.parse().unwrap());
    let settings = settings.leases(leases[0], leases[1]).build().unwrap();
    let configuration = settings.configuration(server).unwrap();
    let dhcp = match server {
        DhcpServer::Kea => network.start_kea(network.namespace(), &configuration),
        _ => network.start_dnsmasq(network.namespace(), &configuration),
    };

    let plug = network.plug();
    let machine = Machine::builder().firmware(Firmware::Uefi).mac(MAC).timeout(PATIENCE);
    let machine = machine.expect(format!("BOOTED-BY-HTTP {MAC}")).build().unwrap();
    let report = machine.boot_by_dhcp_and_http(plug.link(), &Context::new()).await.unwrap();
    println!("{server}: {report}\n{}", report.console);
    report.ensure_success().unwrap_or_else(|error| panic!("{error}\n{}", dhcp.log()));
    let stages: Vec<BootStage> = report.stages.keys().copied().collect();
    let expected = [
        BootStage::Started,
        BootStage::Dhcp,
        BootStage::Program,
        BootStage::Script,
        BootStage::MarkersSeen,
    ];
    assert_eq!(stages, expected);
    let fetched: Vec<&str> = report.fetched.iter().map(|fetch| fetch.url.as_str()).collect();
    assert_eq!(fetched, ["http://10.77.0.1/ipxe/ipxe.efi", "http://10.77.0.1/boot.ipxe"]);
    assert!(http.log().contains("url:/ipxe/ipxe.efi"), "{}", http.log());
}

#[tokio::test]
async fn firmware_boots_by_http_what_dnsmasq_names() {
    firmware_boots_by_http(DhcpServer::Dnsmasq).await;
}

/// The hint leads to the answer of the tests above.
#[tokio::test]
async fn firmware_that_gets_no_url_by_dhcp_says_so() {
    let network = BootNetwork::new();
    let subnet = "subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.100 10.77.0.199; }";
    let dhcp = network.start_dhcpd(network.namespace(), subnet);
    let plug = network.plug();
    let machine = Machine::builder().firmware(Firmware::Uefi).timeout(PATIENCE).build().unwrap();
    let report = machine.boot_by_dhcp_and_http(plug.link(), &Context::new()).await.unwrap();
    println!("{report}\n{}\n{}", report.console, dhcp.log());
    assert_eq!(report.reached, BootStage::Started, "{report}");
    let hint = report.ensure_success().unwrap_err().hint().unwrap_or_default();
    assert!(hint.contains("with the vendor class `HTTPClient` and the URL"), "{hint}");
}

/// dhcpd names the program of a published target.
#[tokio::test]
async fn firmware_boots_by_http_the_program_of_a_target_that_dhcpd_names() {
    let ipxe = DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-amd64.efi");
    let renderer = SmallSite::renderer();
    let renderer = renderer.boot_program(Architecture::X86_64, fs::read(ipxe).unwrap());
    let site = SmallSite::publish(renderer, &["worker"]).await;
    let network = BootNetwork::new();
    let _http = network.serve_directory(&site.published());
    let boot = BootServer::new(BootNetwork::ADDRESS, "http://10.77.0.1/boot.ipxe").unwrap();
    let boot = boot.with_boot_program("http://10.77.0.1/worker", Architecture::X86_64).unwrap();
    let subnet = "10.77.0.0/24".parse().unwrap();
    let settings = DhcpSettings::builder(BootNetwork::INTERFACE, subnet, boot).unwrap();
    let leases = ["10.77.0.100", "10.77.0.199"].map(|address| address.parse().unwrap());
    let settings = settings.leases(leases[0], leases[1]).build().unwrap();
    let configuration = settings.configuration(DhcpServer::IscDhcpd).unwrap();
    let dhcp = network.start_dhcpd(network.namespace(), &configuration);
    let plug = network.plug();
    let machine = Machine::builder().firmware(Firmware::Uefi).mac(MAC).timeout(PATIENCE);
    let machine = machine.expect("Netboot starts worker").build().unwrap();
    let report = machine.boot_by_dhcp_and_http(plug.link(), &Context::new()).await.unwrap();
    println!("{report}\n{}", report.console);
    report.ensure_success().unwrap_or_else(|error| panic!("{error}\n{}", dhcp.log()));
    let fetched: Vec<&str> = report.fetched.iter().map(|fetch| fetch.url.as_str()).collect();
    assert!(fetched.contains(&"http://10.77.0.1/worker/boot-x86_64.efi"), "{fetched:?}");
}

#[tokio::test]
async fn firmware_boots_by_http_what_kea_names() {
    firmware_boots_by_http(DhcpServer::Kea).await;
}
