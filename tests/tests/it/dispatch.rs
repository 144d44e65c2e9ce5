//! With real iPXE, machines find what they boot by every kind of key, in every form, and when they
//! are unknown.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use netboot_core::{Architecture, ArtifactKind, BytesArtifact, Context, FileName};
use netboot_ipxe::{
    Assignment, BootOnce, DispatchForm, Fleet, MachineKey, Renderer, RendererBuilder, Selector,
    UnknownMachine,
};
use netboot_qemu::{DirectoryServer, Firmware, Machine, MachineBuilder, SystemIdentity};
use netboot_testbed::{PATIENCE, cpio, tool};
use netboot_tests::{Site, SmallSite};

const KNOWN: &str = "52:54:00:00:00:01";
const UNKNOWN: &str = "52:54:00:00:00:99";
const UUID: &str = "12345678-9abc-4def-8012-3456789abcde";
const SERIAL: &str = "S/N 7 #1 && ${uuid}";

fn assignment(name: &str, profile: &str, keys: impl IntoIterator<Item = MachineKey>) -> Assignment {
    let assignment = Assignment::new(name, profile).unwrap();
    assignment.with_selector(Selector::new(keys).unwrap())
}

fn mac(address: &str) -> MachineKey {
    MachineKey::Mac(address.parse().unwrap())
}

/// A fleet with a machine for each kind of key, and a rack.
fn fleet(form: DispatchForm, unknown: UnknownMachine) -> RendererBuilder {
    let setting = |name, value| MachineKey::setting(name, value).unwrap();
    let x86 = MachineKey::Architecture(Architecture::X86_64);
    let fleet = Fleet::builder(unknown)
        .form(form)
        .assignments([
            assignment("by-mac", "worker", [mac(KNOWN)]),
            assignment("by-uuid", "worker", [MachineKey::Uuid(UUID.parse().unwrap())]),
            assignment("by-serial", "worker", [MachineKey::Serial(SERIAL.parse().unwrap())]),
            assignment("by-tag", "worker", [MachineKey::AssetTag("T".parse().unwrap()), x86]),
            assignment(
                "rack",
                "gateway",
                [setting("manufacturer", "Example  #1"), setting("product", "R-1")],
            ),
        ])
        .build()
        .unwrap();
    SmallSite::renderer().fleet(fleet)
}

async fn site(form: DispatchForm, unknown: UnknownMachine) -> SmallSite {
    SmallSite::publish(fleet(form, unknown), &["worker", "gateway"]).await
}

fn with_identity(identity: SystemIdentity) -> MachineBuilder {
    SmallSite::machine(UNKNOWN).identity(identity)
}

#[tokio::test]
async fn machines_are_found_in_the_script_that_all_run() {
    let site = site(DispatchForm::Inline, UnknownMachine::Refuse).await;
    let identity = SystemIdentity::new().with_serial(SERIAL);
    let expected = ["this machine is by-serial", "Netboot starts worker"];
    site.boot("boot.ipxe", with_identity(identity), &expected).await;
    let identity = SystemIdentity::new().with_manufacturer("Example  #1").with_product("R-1");
    let expected = ["this machine is rack", "Netboot starts gateway"];
    site.boot("boot.ipxe", with_identity(identity), &expected).await;
}

#[tokio::test]
async fn machines_are_found_in_tables() {
    let site = site(DispatchForm::Tables, UnknownMachine::Refuse).await;
    let expected = ["this machine is by-mac", "Netboot starts worker"];
    site.boot("boot.ipxe", SmallSite::machine(KNOWN), &expected).await;
    let identity = SystemIdentity::new().with_uuid(UUID);
    site.boot("boot.ipxe", with_identity(identity), &["this machine is by-uuid"]).await;
    // UEFI's iPXE finds the machines by these keys too.
    let identity = SystemIdentity::new().with_serial(SERIAL);
    let machine = with_identity(identity).firmware(Firmware::Uefi);
    site.boot("boot.ipxe", machine, &["this machine is by-serial"]).await;
}

#[tokio::test]
async fn machines_are_found_by_a_file_of_their_own() {
    let site = site(DispatchForm::Files, UnknownMachine::Refuse).await;
    let identity = SystemIdentity::new().with_asset_tag("T");
    let expected = ["this machine is by-tag", "Netboot starts worker"];
    site.boot("boot.ipxe", with_identity(identity), &expected).await;
    // The probe distinguishes an unknown machine from a server that does not answer.
    let refused = ["unknown machines are refused"];
    site.boot("boot.ipxe", SmallSite::machine(UNKNOWN), &refused).await;
    let release = site.release().id().to_string();
    assert_eq!(site.fetches(&format!("releases/{release}/machines/known.ipxe")), 1);
    let machines = site.published().join("releases").join(release).join("machines");
    fs::remove_file(machines.join("known.ipxe")).unwrap();
    let report =
        site.boot("boot.ipxe", SmallSite::machine(UNKNOWN), &["does not start this machine"]).await;
    assert!(!report.console.contains("not known here"), "{}", report.console);
}

#[tokio::test]
async fn unknown_machines_are_refused_by_name() {
    let site = site(DispatchForm::Inline, UnknownMachine::Refuse).await;
    let identity = SystemIdentity::new().with_serial("SN-99");
    let expected = [
        "this machine is not known here, and unknown machines are refused",
        "MAC address 52:54:00:00:00:99",
        "serial number SN-99",
    ];
    let report = site.boot("boot.ipxe", with_identity(identity), &expected).await;
    assert!(!report.console.contains("Netboot starts"), "{}", report.console);
}

#[tokio::test]
async fn unknown_machines_boot_what_the_policy_says() {
    let family = "any".parse().unwrap();
    let members = [
        (Architecture::X86_64, "gateway".parse().unwrap()),
        (Architecture::Aarch64, "worker".parse().unwrap()),
    ];
    let unknown = UnknownMachine::Profile("any".parse().unwrap());
    let renderer = fleet(DispatchForm::Inline, unknown).family(family, members);
    let site_with_family = SmallSite::publish(renderer, &["worker", "gateway"]).await;
    let expected = ["not known here and boots any", "Netboot starts gateway"];
    site_with_family.boot("boot.ipxe", SmallSite::machine(UNKNOWN), &expected).await;

    let local = site(DispatchForm::Tables, UnknownMachine::LocalDisk).await;
    let expected = ["not known here and boots its local disk", "No more network devices"];
    local.boot("boot.ipxe", SmallSite::machine(UNKNOWN), &expected).await;

    let menu = site(DispatchForm::Tables, UnknownMachine::Menu).await;
    let machine = SmallSite::machine(UNKNOWN).press("iPXE shell", "\r");
    menu.boot("boot.ipxe", machine, &["not known here", "Netboot starts"]).await;
}

#[tokio::test]
async fn a_machine_boots_its_profile_while_its_token_lies_there() {
    let once = BootOnce::file("tokens/by-mac").unwrap();
    let machine = assignment("by-mac", "worker", [mac(KNOWN)]).with_boot_once(once);
    let fleet = Fleet::builder(UnknownMachine::Refuse).assignment(machine).build().unwrap();
    let site = SmallSite::publish(SmallSite::renderer().fleet(fleet), &["worker"]).await;
    let without = ["there is no token for by-mac", "No more network devices"];
    let report = site.boot("boot.ipxe", SmallSite::machine(KNOWN), &without).await;
    assert!(!report.console.contains("Netboot starts"), "{}", report.console);
    fs::create_dir(site.published().join("tokens")).unwrap();
    fs::write(site.published().join("tokens/by-mac"), "\n").unwrap();
    site.boot("boot.ipxe", SmallSite::machine(KNOWN), &["Netboot starts worker"]).await;
}

/// Compresses with gzip. Only a compressed archive may start at any byte, and Linux under UEFI
/// appends it to an initrd of any length.
fn compressed(bytes: &[u8], directory: &Path) -> Vec<u8> {
    let path = directory.join("archive");
    fs::write(&path, bytes).unwrap();
    let output = Command::new(tool("gzip")).arg("-nc").arg(&path).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// Boots a machine with its own kernel parameter and initrd, which reports the stages of its boot.
#[tokio::test]
async fn a_machine_sees_its_own_parameters_and_initrd_and_reports() {
    let site = Site::new();
    let images = site.build("built", &["worker"]).await;
    // The overlay replaces the generation that the machine reports.
    let system = images[0].boot().init().as_str().trim_end_matches("/init");
    let generation = format!("{}/etc/generation", system.trim_start_matches('/'));
    let archive = compressed(&cpio(&[(&generation, b"overlaid\n")]), site.work());
    let name = FileName::new("by-mac.cpio").unwrap();
    let overlay = Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, archive).unwrap());
    let machine = assignment("by-mac", "worker", [mac(KNOWN)])
        .with_kernel_parameter("netboot.test=by-mac")
        .unwrap()
        .with_overlay(overlay);
    let fleet = Fleet::builder(UnknownMachine::Refuse).assignment(machine).build().unwrap();

    fs::create_dir_all(site.published()).unwrap();
    let server = DirectoryServer::start(site.published()).await.unwrap();
    fs::write(site.published().join("report"), "noted\n").unwrap();
    let report_url = format!("http://10.0.2.100:{}/report", server.address().port());
    let renderer = Renderer::builder().report_url(&report_url.parse().unwrap()).unwrap();
    let renderer = renderer.fleet(fleet).build().unwrap();
    let release = renderer.render_release(images).unwrap();
    site.publisher().publish(&release, &Context::new()).await.unwrap();

    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let before = server.requests().len();
        let machine = Machine::builder()
            .firmware(firmware)
            .mac(KNOWN)
            .expect("NETBOOT-GENERATION overlaid")
            .expect("NETBOOT-READY worker")
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let report = machine.boot(&server.url("boot.ipxe"), &Context::new()).await.unwrap();
        report.ensure_success().unwrap();
        let console = report.console.replace(['\r', '\n'], "");
        assert!(console.contains("initrd=machine-overlay netboot.test=by-mac"), "{console}");
        let requests = server.requests();
        let reports = requests[before..].iter().filter(|request| request.path == "/report");
        assert_eq!(reports.count(), 3, "{requests:?}");
    }
}
