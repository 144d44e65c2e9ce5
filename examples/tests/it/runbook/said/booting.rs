//! Messages about machines that do not come up: the output of scripts, the reports of boots in
//! QEMU, and the errors that prevent such an image.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipxe_script::IpxeBuild;
use netboot_core::inspect::{check_kernel, inspect_initrd, require_first_program};
use netboot_core::{
    Architecture, Artifact, ArtifactKind, BootSpec, BytesArtifact, Context, Error, Image, InitPath,
    KernelParameter, ProfileSpec, Release,
};
use netboot_ipxe::dhcp::{BootServer, DhcpSettings, ipv4_subnet};
use netboot_ipxe::{
    Assignment, BootOnce, Fleet, MachineKey, Renderer, RendererBuilder, UnknownMachine, lint,
};
use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::{Accelerator, BootReport, Machine};
use netboot_testbed::{with_enough_time, write_program};
use tempfile::TempDir;
use url::Url;

use super::{Said, all, error, finding, run, worker};

/// The output of real iPXE and Linux, stage by stage.
const DHCP: &str = "net0: 10.0.0.112/255.255.255.0 gw 10.0.0.1";
const SCRIPT: &str = "http://10.0.0.1/worker/netboot.ipxe... ok";
const KERNEL: &str = "../../../blobs/8c41d2... ok";
const INITRD: &str = "../../../blobs/5b07fe... ok";
const LINUX: &str = "[    0.000000] Linux version 6.12.30";
const INIT: &str = "<<< NixOS Stage 1 >>>";
const NOTHING_ELSE: &str = "No more network devices";

/// The message for a machine that showed these lines on its console and then stopped or hung. A
/// shell prints them in place of QEMU; the tests of netboot-qemu show that real machines print
/// them.
fn console(lines: &[&str], hangs: bool) -> String {
    let directory = TempDir::new().unwrap();
    let program = directory.path().join("qemu");
    let end = if hangs { "exec sleep 10000" } else { "exit" };
    let text = lines.join("\r\n");
    let script = format!("#!/bin/sh\ncat << 'END'\n{text}\nEND\n{end}\n");
    write_program(&program, &script);
    let url = Url::parse("http://10.0.0.1/worker/netboot.ipxe").unwrap();
    let boot = async |limit| {
        let machine = Machine::builder()
            .accelerator(Accelerator::Tcg)
            .qemu_program(&program)
            .timeout(limit)
            .expect("login:")
            .build()
            .unwrap();
        machine.boot(&url, &Context::new()).await.unwrap()
    };
    let shows_all =
        |report: &BootReport| lines.last().is_none_or(|line| report.console.contains(line));
    let (report, _) = run(with_enough_time(Duration::from_millis(600), boot, shows_all));
    with_last_line(&error(report.ensure_success().unwrap_err()))
}

/// The message with only the last line of the console, of which it contains at most twenty.
fn with_last_line(said: &str) -> String {
    let is_console = |line: &&str| line.starts_with("  | ") && !line.starts_with("  |   not seen:");
    let last = said.lines().rfind(is_console);
    let keep = |line: &&str| !is_console(line) || Some(*line) == last;
    said.lines().filter(keep).collect::<Vec<_>>().join("\n")
}

fn hangs_after(lines: &[&str]) -> String {
    console(lines, true)
}

fn fetch(failed: &str) -> String {
    console(&[DHCP, SCRIPT, failed, NOTHING_ELSE], false)
}

fn panic(before: &[&str], line: &str) -> String {
    let line = format!("[    3.391899] Kernel panic - not syncing: {line}");
    let before = [&[DHCP, SCRIPT, KERNEL, INITRD, LINUX], before].concat();
    console(&[&before[..], &[&line]].concat(), false)
}

pub(super) fn image(profile: &str) -> Image {
    let artifact = |kind, name: &str| -> Arc<dyn Artifact> {
        Arc::new(BytesArtifact::new(kind, name, "bytes").unwrap())
    };
    let spec = ProfileSpec::new(profile).unwrap();
    let init = InitPath::new("/nix/store/0a1b-nixos-system/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    Image::builder(&spec, boot)
        .kernel(artifact(ArtifactKind::Kernel, "bzImage"))
        .initrd(artifact(ArtifactKind::Initrd, "initrd"))
        .build()
        .unwrap()
}

fn fleet_of(assignments: Vec<Assignment>) -> Result<Fleet, netboot_ipxe::Error> {
    Fleet::builder(UnknownMachine::Refuse).assignments(assignments).build()
}

fn assignment(name: &str, profile: &str, mac: &str) -> Assignment {
    let key = MachineKey::Mac(mac.parse().unwrap());
    Assignment::new(name, profile).unwrap().with_key(key)
}

/// All lines that the scripts of these releases print, with iPXE's settings in them.
fn script_messages(releases: &[Release]) -> String {
    let mut messages = BTreeSet::new();
    for release in releases {
        let target = TempDir::new().unwrap();
        let publisher = Publisher::new(LocalStore::new(target.path()));
        run(publisher.publish(release, &Context::new())).unwrap();
        let is_script = |file: &&PathBuf| file.extension().is_some_and(|it| it == "ipxe");
        for file in files(target.path()).iter().filter(is_script) {
            let text = fs::read_to_string(file).unwrap();
            let printed = text.lines().filter_map(|line| line.split_once("echo Netboot"));
            messages.extend(printed.map(|(_, message)| {
                let message = message.trim_end_matches(" ||");
                format!("Netboot{}", message.replace(&release.id().short(), "<release>"))
            }));
        }
    }
    messages.into_iter().collect::<Vec<_>>().join("\n")
}

/// A release for each policy for unknown machines, and a release without a list of machines.
fn releases() -> Vec<Release> {
    let family = || "any".parse().unwrap();
    let policies = [
        UnknownMachine::Refuse,
        UnknownMachine::Menu,
        UnknownMachine::LocalDisk,
        UnknownMachine::Profile(family()),
    ];
    let with_fleet = policies.map(|unknown| {
        let token = BootOnce::file("tokens/node-1").unwrap();
        let known = assignment("node-1", "worker", "52:54:00:00:00:01").with_boot_once(token);
        let fleet = Fleet::builder(unknown).assignment(known).build().unwrap();
        let members = [(Architecture::X86_64, worker())];
        Renderer::builder().fleet(fleet).family(family(), members)
    });
    let renderers = with_fleet.into_iter().chain([Renderer::builder()]);
    let render = |renderer: RendererBuilder| {
        renderer.build().unwrap().render_release([image("worker")]).unwrap()
    };
    renderers.map(render).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

pub(super) fn said() -> Vec<Said> {
    let mut said = of_stages();
    said.extend(of_values());
    said.extend(of_machines());
    said
}

fn of_stages() -> Vec<Said> {
    let unpacking = "[    2.482187] Initramfs unpacking failed: write error";
    let requested = "Requested init /nix/store/0a1b…-nixos-system-worker/init failed (error -2).";
    vec![
        ("stage-started", hangs_after(&["SeaBIOS (version 1.16.2)"])),
        ("stage-dhcp", hangs_after(&[DHCP])),
        ("stage-script", hangs_after(&[DHCP, SCRIPT])),
        ("stage-script-ended", console(&[DHCP, SCRIPT, NOTHING_ELSE], false)),
        ("stage-initrd", hangs_after(&[DHCP, SCRIPT, KERNEL, INITRD])),
        ("stage-kernel-started", hangs_after(&[DHCP, SCRIPT, KERNEL, INITRD, LINUX])),
        ("stage-init", hangs_after(&[DHCP, SCRIPT, KERNEL, INITRD, LINUX, INIT])),
        (
            "fetch-missing",
            fetch("../../../blobs/5b07fe... No such file or directory (http://ipxe.org/2d0c613b)"),
        ),
        (
            "fetch-refused",
            fetch("../../../blobs/5b07fe... Permission denied (http://ipxe.org/0212603c)"),
        ),
        (
            "fetch-reset",
            fetch("http://10.0.0.1/boot.ipxe... Connection reset (http://ipxe.org/0f0a6039)"),
        ),
        (
            "fetch-timed-out",
            fetch("http://10.0.0.1/boot.ipxe... Connection timed out (http://ipxe.org/4c0a6035)"),
        ),
        ("fetch-dns", fetch("http://boot/x.ipxe... Error 0x3e11613b (http://ipxe.org/3e11613b)")),
        (
            "fetch-https",
            fetch("Could not start download: Operation not supported (http://ipxe.org/3c092083)"),
        ),
        ("panic-init", panic(&[], requested)),
        ("panic-root", panic(&[], "VFS: Unable to mount root fs on unknown-block(0,0)")),
        ("panic-killed-init", panic(&[INIT], "Attempted to kill init! exitcode=0x00000100")),
        ("panic-memory", panic(&[unpacking], requested)),
    ]
}

fn of_values() -> Vec<Said> {
    let pasted = InitPath::new("/nix/store/*/init").unwrap_err();
    let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init").unwrap();
    let parameter = KernelParameter::new("#debug").unwrap();
    let profile =
        ProfileSpec::new(worker()).unwrap().with_kernel_parameters(vec![parameter]).unwrap();
    let unprintable = Renderer::builder()
        .build()
        .unwrap()
        .render_standalone(&{
            let boot = image("worker").boot().clone();
            let parts = image("worker");
            Image::builder(&profile, boot)
                .kernel(parts.kernel().clone())
                .initrd(parts.initrds()[0].clone())
                .build()
                .unwrap()
        })
        .unwrap_err();
    let script =
        b"#!ipxe\nkernel bzImage init=/nix/store/*/init console=ttyS0\ninitrd initrd\nboot\n";
    let build: IpxeBuild = "bookworm".parse().unwrap();
    let findings = all(lint(script, &build), |found| {
        finding(format!("old.ipxe:{found} [{}]", found.kind.code()), found.hint())
    });
    let directory = TempDir::new().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let page = file("bzImage", b"<html><head><title>404 Not Found</title></head></html>");
    let not_a_kernel = run(check_kernel(&page, Architecture::X86_64)).unwrap_err();
    let cut = file("initrd", &[b"070701".as_slice(), &[b'0'; 90]].concat());
    let damaged = run(inspect_initrd(&cut, &Context::new())).unwrap_err();
    let first_program = require_first_program(&worker(), image("worker").boot(), []).unwrap_err();
    let here = |said: String| said.replace(directory.path().to_str().unwrap(), "artifacts/worker");
    vec![
        ("init-pasted", error(pasted)),
        ("init-missing", error(Error::InitMissing { profile: worker(), init })),
        ("first-program", error(first_program)),
        ("not-a-kernel", here(error(not_a_kernel))),
        ("damaged-initrd", here(error(damaged))),
        ("parameter-unprintable", error(unprintable)),
        ("old-script", findings),
    ]
}

fn of_machines() -> Vec<Said> {
    let known = assignment("node-1", "worker", "52:54:00:00:00:01");
    let twice = vec![known, assignment("node-2", "worker", "52:54:00:00:00:01")];
    let other = assignment("node-1", "gateway", "52:54:00:00:00:01");
    let renderer = Renderer::builder().fleet(fleet_of(vec![other]).unwrap());
    let unknown = renderer.build().unwrap().render_release([image("worker")]).unwrap_err();
    vec![
        ("script-messages", script_messages(&releases())),
        ("dhcp-refused", error(dhcp_refused())),
        ("dhcp-ipv6", error(ipv4_subnet("2001:db8::/64".parse().unwrap()).unwrap_err())),
        ("machine-tie", error(fleet_of(twice).unwrap_err())),
        ("machine-profile", error(unknown)),
    ]
}

/// A range of addresses to lease that contains the server's own address.
fn dhcp_refused() -> netboot_ipxe::Error {
    let address = |text: &str| text.parse::<Ipv4Addr>().unwrap();
    let server = BootServer::new(address("10.0.0.1"), "http://10.0.0.1/boot.ipxe").unwrap();
    DhcpSettings::builder("eno1", "10.0.0.0/24".parse().unwrap(), server)
        .unwrap()
        .leases(address("10.0.0.1"), address("10.0.0.199"))
        .build()
        .unwrap_err()
}
