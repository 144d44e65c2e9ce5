//! Machines boot by PXE like in a rack. Their firmware asks a real DHCP server with Netboot's
//! configuration and fetches iPXE by TFTP. iPXE fetches the script, the kernel and the initrd of a
//! published release by HTTP.

use std::path::PathBuf;

use netboot_core::{Context, ProfileName, layout};
use netboot_ipxe::dhcp::{BootServer, DhcpServer, DhcpSettings, DhcpSettingsBuilder, KnownMachine};
use netboot_qemu::{BootOutcome, BootReport, BootStage, Firmware, Machine, MachineBuilder, key};
use netboot_testbed::PATIENCE;
use netboot_tests::{BootNetwork, Server, Site};

const MAC: &str = "52:54:00:77:00:05";

/// A published worker, on a network with all servers for its boot.
struct Rack {
    site: Site,
    network: BootNetwork,
    tftp_root: PathBuf,
    http: Server,
    fetched: Vec<String>,
}

impl Rack {
    async fn new() -> Self {
        let site = Site::new();
        let release = site.release("pxe", &["worker"]).await;
        site.publisher().publish(&release, &Context::new()).await.unwrap();
        let network = BootNetwork::new();
        let tftp_root = network.directory().join("tftp");
        std::fs::create_dir(&tftp_root).unwrap();
        for file in ["undionly.kpxe", "ipxe.efi"] {
            let source = PathBuf::from("/usr/lib/ipxe").join(file);
            std::fs::copy(&source, tftp_root.join(file))
                .unwrap_or_else(|error| panic!("{} of Debian's ipxe: {error}", source.display()));
        }
        let http = network.serve_directory(&site.published());
        let image = &release.manifest().images()[&ProfileName::new("worker").unwrap()];
        let fetched = [
            "worker/netboot.ipxe".to_owned(),
            "current.ipxe".to_owned(),
            format!("releases/{}/worker/netboot.ipxe", release.id()),
            layout::blob(&image.kernel.sha256).to_string(),
            layout::blob(&image.initrds[0].sha256).to_string(),
        ];
        Self { site, network, tftp_root, http, fetched: fetched.into() }
    }

    fn settings(&self) -> DhcpSettingsBuilder {
        let script = "http://10.77.0.1/worker/netboot.ipxe";
        let server = BootServer::new(BootNetwork::ADDRESS, script)
            .unwrap()
            .with_tftp_root(self.tftp_root.display().to_string())
            .unwrap();
        let subnet = "10.77.0.0/24".parse().unwrap();
        DhcpSettings::builder(BootNetwork::INTERFACE, subnet, server).unwrap()
    }

    fn leasing(&self) -> DhcpSettingsBuilder {
        self.settings().leases("10.77.0.100".parse().unwrap(), "10.77.0.199".parse().unwrap())
    }

    async fn boot(&self, machine: MachineBuilder) -> BootReport {
        let plug = self.network.plug();
        let machine =
            machine.mac(MAC).timeout(PATIENCE).expect("NETBOOT-READY worker").build().unwrap();
        let report = machine.boot_by_dhcp(plug.link(), &Context::new()).await.unwrap();
        println!("{report}");
        report
    }

    /// Asserts that the machine came up as the worker, and fetched each file completely and in
    /// order.
    fn assert_booted(&self, report: &BootReport, dhcp: &Server, ipxe: &str) {
        let log = dhcp.log();
        report.ensure_success().unwrap_or_else(|error| panic!("{error}\n{log}"));
        let stages: Vec<BootStage> = report.stages.keys().copied().collect();
        assert_eq!(stages.len(), 8, "{report}");
        assert!(report.console.contains("NETBOOT-GENERATION pxe"), "{}", report.console);

        // UEFI requests a file twice, the first time only for its size.
        let sent: Vec<&str> = log
            .lines()
            .filter_map(|line| line.split_once("dnsmasq-tftp: sent "))
            .map(|l| l.1)
            .collect();
        let expected = format!("{} to 10.77.0.", self.tftp_root.join(ipxe).display());
        let all_expected = sent.iter().all(|file| file.starts_with(&expected));
        assert!(!sent.is_empty() && all_expected, "other than {expected} was sent: {sent:?}");

        let requests = self.http.log();
        let asked: Vec<&str> =
            requests.lines().filter_map(|line| Some(line.split_once("url:/")?.1)).collect();
        assert_eq!(asked, self.fetched, "{requests}");
        let answers = requests.matches("response:200").count();
        assert_eq!(answers, self.fetched.len(), "{requests}");
    }
}

/// A BIOS machine whose network card asks like one without iPXE. `SeaBIOS` has no PXE but the
/// card's iPXE, so a command at iPXE's prompt changes its user class.
fn bios() -> MachineBuilder {
    Machine::builder()
        .press("Press Ctrl-B for the iPXE command line", key::CTRL_B)
        .press("iPXE>", format!("set user-class none{}", key::ENTER))
        .press("iPXE>", format!("autoboot{}", key::ENTER))
}

fn uefi() -> MachineBuilder {
    Machine::builder().firmware(Firmware::Uefi)
}

#[tokio::test]
async fn uefi_firmware_boots_by_its_own_pxe() {
    let rack = Rack::new().await;
    let settings = rack.leasing().build().unwrap();
    let configuration = settings.configuration(DhcpServer::Dnsmasq).unwrap();
    let dhcp = rack.network.start_dnsmasq(rack.network.namespace(), &configuration);
    let report = rack.boot(uefi()).await;
    rack.assert_booted(&report, &dhcp, "ipxe.efi");
    assert!(report.console.contains(">>Start PXE over IPv4"), "{}", report.console);
    // The server recognized the firmware and iPXE.
    let log = dhcp.log();
    for words in ["tags: netboot-efi-x64, lan", "tags: netboot-ipxe, netboot-efi-x64, lan"] {
        assert!(log.contains(words), "no {words} in:\n{log}");
    }
    assert!(log.contains("DHCPACK(lan) 10.77.0."), "{log}");
}

#[tokio::test]
async fn bios_boots_undionly_which_boots_the_script() {
    let rack = Rack::new().await;
    let settings = rack.leasing().build().unwrap();
    let configuration = settings.configuration(DhcpServer::Dnsmasq).unwrap();
    let dhcp = rack.network.start_dnsmasq(rack.network.namespace(), &configuration);
    let report = rack.boot(bios()).await;
    rack.assert_booted(&report, &dhcp, "undionly.kpxe");
    let log = dhcp.log();
    for words in ["tags: netboot-bios, lan", "tags: netboot-ipxe, netboot-bios, lan"] {
        assert!(log.contains(words), "no {words} in:\n{log}");
    }
}

#[tokio::test]
async fn beside_another_dhcp_server_machines_boot_too() {
    let rack = Rack::new().await;
    // A server without boot options leases the addresses, on another host.
    let existing = rack.network.second_host();
    let leases = "subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.100 10.77.0.199; }";
    let leasing = rack.network.start_dhcpd(&existing, leases);
    let settings = rack.settings().build().unwrap();
    let configuration = settings.configuration(DhcpServer::Dnsmasq).unwrap();
    let proxy = rack.network.start_dnsmasq(rack.network.namespace(), &configuration);
    let report = rack.boot(uefi()).await;
    rack.assert_booted(&report, &proxy, "ipxe.efi");
    assert!(leasing.log().contains("DHCPACK on 10.77.0."), "{}", leasing.log());
    assert!(proxy.log().contains("PXE(lan)"), "{}", proxy.log());
}

#[tokio::test]
async fn an_unknown_machine_is_not_booted_where_only_known_ones_are() {
    let rack = Rack::new().await;
    let own = "http://10.77.0.1/worker/netboot.ipxe";
    let known = KnownMachine::new("52:54:00:77:00:06").unwrap().with_script(own).unwrap();
    let settings = rack.leasing().machine(known).known_machines_only().build().unwrap();
    let configuration = settings.configuration(DhcpServer::Dnsmasq).unwrap();
    let dhcp = rack.network.start_dnsmasq(rack.network.namespace(), &configuration);

    let report = rack.boot(Machine::builder()).await;
    let gave_up = matches!(report.outcome, BootOutcome::FirmwareGaveUp { .. });
    assert!(gave_up && report.reached == BootStage::Started, "{report}\n{}", report.console);
    let log = dhcp.log();
    assert!(log.contains(&format!("DHCPDISCOVER(lan) {MAC} ignored")), "{log}");
    assert!(!log.contains("DHCPOFFER"), "{log}");
    assert_eq!(rack.http.log(), "");
    assert!(rack.site.published().is_dir());
}
