//! Scripts that leave iPXE lead to the firmware's next boot device: here, a disk that says so.

use std::fs;
use std::path::{Path, PathBuf};

use netboot_core::{Architecture, Context};
use netboot_ipxe::dhcp::{BootServer, ClientArchitecture, DhcpServer, DhcpSettings};
use netboot_ipxe::{
    Assignment, BootOnce, Fleet, LocalDisk, MachineKey, Menu, MenuItem, MenuKey, RendererBuilder,
    UnknownMachine,
};
use netboot_qemu::{BootOutcome, BootReport, Firmware, Machine, MachineBuilder};
use netboot_testbed::{DebianTree, PATIENCE};
use netboot_tests::{BootNetwork, Server, SmallSite, is_long};
use tempfile::TempDir;

const WORDS: &str = "The disk was booted";

/// The boot sector of a disk. It prints the words on the serial port and stops.
fn boot_sector() -> Vec<u8> {
    // xor ax, ax; mov ds, ax; mov si, 0x7c16; mov dx, 0x3f8
    let mut code = vec![0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x16, 0x7c, 0xba, 0xf8, 0x03];
    // next: lodsb; test al, al; jz end; out dx, al; jmp next; end: hlt; jmp end
    code.extend([0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, 0xf4, 0xeb, 0xfd, 0x90]);
    assert_eq!(code.len(), 0x16);
    code.extend(format!("\r\n{WORDS}\r\n\0").as_bytes());
    code.resize(510, 0);
    code.extend([0x55, 0xaa]);
    code.resize(1 << 20, 0);
    code
}

/// A disk that firmware of this kind can boot, below `directory`.
fn disk(directory: &Path, firmware: Firmware) -> PathBuf {
    if firmware == Firmware::Bios {
        let image = directory.join("disk");
        fs::write(&image, boot_sector()).unwrap();
        return image;
    }
    uefi_disk(directory, "ipxe-amd64.efi", "BOOTX64.EFI");
    directory.to_owned()
}

/// Makes `directory` a disk that UEFI firmware can boot by the `program` of this name.
fn uefi_disk(directory: &Path, build: &str, program: &str) {
    let boot = directory.join("EFI/BOOT");
    fs::create_dir_all(&boot).unwrap();
    let ipxe = DebianTree::SID_IPXE.path(&format!("usr/lib/ipxe/{build}"));
    fs::copy(ipxe, boot.join(program)).unwrap();
    let script = format!("#!ipxe\necho {WORDS}\nshell\n");
    fs::write(directory.join("autoexec.ipxe"), script).unwrap();
}

fn renderer(unknown: UnknownMachine) -> RendererBuilder {
    let once = BootOnce::file("tokens/known").unwrap();
    let known = Assignment::new("known", "worker")
        .unwrap()
        .with_key(MachineKey::Mac("52:54:00:00:00:01".parse().unwrap()))
        .with_boot_once(once);
    let fleet = Fleet::builder(unknown).assignment(known).build().unwrap();
    let item = MenuItem::local_disk(LocalDisk::NextBootDevice);
    let menu = Menu::builder("A rack").unwrap();
    let item = item.with_key(MenuKey::new('l').unwrap()).with_default_choice();
    let menu = menu.item(item).build().unwrap();
    SmallSite::renderer().menu(menu).fleet(fleet)
}

/// The setting for unknown machines, and the address of the machine that takes this way.
fn way_out(way: &str) -> (UnknownMachine, &'static str) {
    match way {
        "menu" => (UnknownMachine::Menu, "52:54:00:00:00:02"),
        "unknown" => (UnknownMachine::LocalDisk, "52:54:00:00:00:02"),
        _ => (UnknownMachine::Refuse, "52:54:00:00:00:01"),
    }
}

/// Every way out of iPXE, through all scripts above it: the menu, an unknown machine, and a machine
/// that was installed already.
async fn check(firmware: Firmware, ipxe: Option<PathBuf>, ways: &[&str]) {
    for way in ways {
        let (unknown, mac) = way_out(way);
        let site = SmallSite::publish(renderer(unknown), &["worker"]).await;
        let directory = TempDir::new().unwrap();
        let mut machine: MachineBuilder = SmallSite::machine(mac).firmware(firmware);
        machine = machine.boot_disk(disk(directory.path(), firmware));
        if *way == "menu" {
            machine = machine.press("A rack", "l");
        }
        if let Some(ipxe) = &ipxe {
            machine = machine.ipxe(ipxe);
        }
        // The menu of the firmware, where a successful `exit` would end.
        machine = machine.fail_on("Boot Manager Menu").fail_on("Standard PC (Q35");
        let mut expected = vec![WORDS];
        expected.extend((*way == "unknown").then_some("and boots its local disk"));
        let report = site.boot("boot.ipxe", machine, &expected).await;
        assert!(!report.console.contains("trying again"), "{way}: {}", report.console);
        // The firmware itself may ask for the URL before it comes to the disk.
        assert_eq!(site.fetches("current.ipxe"), 1, "{way}: {}", report.console);
    }
}

/// A network whose servers give machines an iPXE by TFTP, and the site's scripts by HTTP.
struct Rack {
    network: BootNetwork,
    http: Server,
    _dhcp: Server,
}

impl Rack {
    fn new(site: &SmallSite, ipxe: &Path) -> Self {
        let network = BootNetwork::new();
        let tftp_root = network.directory().join("tftp");
        fs::create_dir(&tftp_root).unwrap();
        fs::copy(ipxe, tftp_root.join("ipxe.efi")).unwrap();
        let http = network.serve_directory(&site.published());
        let server = BootServer::new(BootNetwork::ADDRESS, "http://10.77.0.1/boot.ipxe")
            .unwrap()
            .with_boot_file(ClientArchitecture::EfiArm64, "ipxe.efi")
            .unwrap()
            .with_tftp_root(tftp_root.display().to_string())
            .unwrap();
        let subnet = "10.77.0.0/24".parse().unwrap();
        let settings = DhcpSettings::builder(BootNetwork::INTERFACE, subnet, server)
            .unwrap()
            .leases("10.77.0.100".parse().unwrap(), "10.77.0.199".parse().unwrap())
            .build()
            .unwrap();
        let configuration = settings.configuration(DhcpServer::Dnsmasq).unwrap();
        let dhcp = network.start_dnsmasq(network.namespace(), &configuration);
        Self { network, http, _dhcp: dhcp }
    }
}

/// A firmware's own PXE loads each build of iPXE that has no driver for the card, or has one, by
/// TFTP. The script of an unknown machine leaves it.
#[tokio::test]
async fn the_disk_follows_after_the_firmware_s_own_pxe() {
    let (trixie, sid) = (DebianTree::TRIXIE_IPXE, DebianTree::SID_IPXE);
    let builds = [
        trixie.path("usr/lib/ipxe/snponly.efi"),
        trixie.path("usr/lib/ipxe/ipxe-amd64.efi"),
        sid.path("usr/lib/ipxe/snponly.efi"),
        PathBuf::from("/usr/lib/ipxe/snponly.efi"),
    ];
    if !is_long() {
        return;
    }
    for ipxe in &builds {
        let site = SmallSite::publish(renderer(UnknownMachine::LocalDisk), &["worker"]).await;
        let rack = Rack::new(&site, ipxe);
        let directory = TempDir::new().unwrap();
        let machine = SmallSite::machine("52:54:00:00:00:02")
            .firmware(Firmware::Uefi)
            .memory_mib(256)
            // The firmware first waits for answers to PXE and HTTP boot over IPv4 and IPv6.
            .timeout(PATIENCE)
            .boot_disk(disk(directory.path(), Firmware::Uefi))
            .fail_on("Boot Manager Menu")
            .expect("and boots its local disk")
            .expect(WORDS);
        let plug = rack.network.plug();
        let context = Context::new();
        let report = machine.build().unwrap().boot_by_dhcp(plug.link(), &context).await.unwrap();
        let name = ipxe.display();
        report.ensure_success().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn the_disk_follows_under_uefi() {
    let ways: &[&str] = if is_long() { &["menu", "unknown", "once"] } else { &["menu"] };
    let trixie = DebianTree::TRIXIE_IPXE.path("usr/lib/ipxe/ipxe-amd64.efi");
    check(Firmware::Uefi, Some(trixie), ways).await;
}

#[tokio::test]
async fn the_disk_follows_under_bios() {
    let ways: &[&str] = if is_long() { &["menu", "unknown", "once"] } else { &["once"] };
    check(Firmware::Bios, None, ways).await;
}

#[tokio::test]
async fn the_disk_follows_on_later_builds_too() {
    let ways: &[&str] = if is_long() { &["menu", "unknown", "once"] } else { &["unknown"] };
    check(Firmware::Uefi, Some(DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-amd64.efi")), ways)
        .await;
}

/// The menu of the 64-bit ARM firmware, where a successful `exit` ends.
const ARM64_MENU: &str = "\"UiApp\"";

/// Boots a 64-bit ARM machine by its firmware's own PXE, dnsmasq and this build of iPXE, until the
/// disk or the firmware's menu comes.
async fn boot_arm64(ipxe: &Path, mac: &str, site: &SmallSite) -> (BootReport, Rack) {
    let rack = Rack::new(site, ipxe);
    let disk = TempDir::new().unwrap();
    uefi_disk(disk.path(), "ipxe-arm64.efi", "BOOTAA64.EFI");
    let machine = Machine::builder().architecture(Architecture::Aarch64).mac(mac);
    let machine = machine.boot_disk(disk.path()).timeout(PATIENCE);
    let machine = machine.expect(WORDS).fail_on(ARM64_MENU).build().unwrap();
    let plug = rack.network.plug();
    let report = machine.boot_by_dhcp(plug.link(), &Context::new()).await.unwrap();
    (report, rack)
}

#[tokio::test]
async fn the_disk_follows_on_64_bit_arm() {
    if !is_long() {
        return;
    }
    for tree in [DebianTree::TRIXIE_IPXE, DebianTree::SID_IPXE] {
        let ipxe = tree.path("usr/lib/ipxe/ipxe-arm64.efi");
        for way in ["menu", "unknown", "once"] {
            let (unknown, mac) = way_out(way);
            let site = SmallSite::publish(renderer(unknown), &["worker"]).await;
            let (report, rack) = boot_arm64(&ipxe, mac, &site).await;
            let console = &report.console;
            report.ensure_success().unwrap_or_else(|error| panic!("{tree}, {way}: {error}"));
            assert!(!console.contains("trying again"), "{tree}, {way}: {console}");
            let requests = rack.http.log();
            assert_eq!(
                requests.matches("url:/current.ipxe").count(),
                1,
                "{tree}, {way}: {requests}"
            );
        }
    }
}

/// The firmware of 64-bit ARM machines takes the exit status like that of x86 machines, so that the
/// test above can fail.
#[tokio::test]
async fn a_successful_exit_ends_in_the_firmware_s_menu_on_64_bit_arm() {
    if !is_long() {
        return;
    }
    let ipxe = DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-arm64.efi");
    let site = SmallSite::publish(renderer(UnknownMachine::LocalDisk), &["worker"]).await;
    fs::write(site.published().join("boot.ipxe"), "#!ipxe\nexit 0\n").unwrap();
    let (report, _rack) = boot_arm64(&ipxe, "52:54:00:00:00:02", &site).await;
    assert!(matches!(report.outcome, BootOutcome::FailureSeen { .. }), "{report}");
    assert_eq!(report.missing, [WORDS]);
}
