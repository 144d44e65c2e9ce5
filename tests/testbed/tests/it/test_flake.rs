//! The test flake builds reproducibly with real Nix, and its machines report what they are. The
//! boot tests rely on this.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netboot_testbed::{HermeticNix, TestFlake, Testbed, tool, workspace_directory, write_program};
use tempfile::TempDir;

/// The time limit of a machine in seconds. It takes about three.
const BOOT_SECONDS: &str = "600";

/// Nix and a flake in a temporary directory.
struct Site {
    nix: HermeticNix,
    directory: TempDir,
}

impl Site {
    fn new() -> Self {
        Self { nix: HermeticNix::new(), directory: TempDir::new().unwrap() }
    }

    fn flake(&self, adjust: impl FnOnce(TestFlake) -> TestFlake) -> String {
        let flake = adjust(TestFlake::new(&Testbed::locate(), "first"));
        flake.write(&self.directory.path().join("flake")).unwrap()
    }

    /// Runs a program of Nix.
    fn nix(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(tool(program));
        command.args(arguments).envs(self.nix.environment());
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?} failed:\n{stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Builds a part of the worker's configuration, extended for closure boot with this program.
    fn build_for_closure(&self, flake: &str, program: &Path, attribute: &str) -> PathBuf {
        let module = workspace_directory().join("crates/netboot-nix/src/closure_boot/module.nix");
        let expression = format!(
            "((builtins.getFlake \"{flake}\").nixosConfigurations.netboot-worker.extendModules {{
               modules = [ (import {}) {{ netboot.closure.program = {}; }} ];
             }}).config.system.build.{attribute}",
            module.display(),
            program.display()
        );
        let link = self.directory.path().join("result");
        let link = ["--out-link", link.to_str().unwrap()];
        self.nix("nix", &[&["build", "--impure"], &link[..], &["--expr", &expression]].concat());
        fs::read_link(link[1]).unwrap()
    }

    fn build(&self, flake: &str, profile: &str, attribute: &str) -> PathBuf {
        let attribute = format!("{flake}#{}", path(profile, &format!("system.build.{attribute}")));
        let link = self.directory.path().join("result");
        self.nix("nix", &["build", "--out-link", link.to_str().unwrap(), &attribute]);
        fs::read_link(link).unwrap()
    }
}

fn path(profile: &str, attribute: &str) -> String {
    format!("nixosConfigurations.netboot-{profile}.config.{attribute}")
}

/// Boots a kernel and an initrd, without firmware and network, and returns the console's text.
fn boot(kernel: &Path, initrd: &Path, init: &Path) -> String {
    let parameters =
        format!("init={} console=ttyS0,115200 loglevel=4 no_timer_check panic=-1", init.display());
    let mut command = Command::new(tool("timeout"));
    command.arg(BOOT_SECONDS).arg(tool("qemu-system-x86_64"));
    command.args("-accel tcg -m 512 -nodefaults -display none -no-reboot".split(' '));
    command.args(["-serial", "stdio"].map(OsString::from));
    command.args(["-kernel".as_ref(), kernel.as_os_str(), "-initrd".as_ref(), initrd.as_os_str()]);
    command.args(["-append", &parameters]);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let console = String::from_utf8_lossy(&stdout).replace('\r', "");
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "QEMU ended with {status}: {stderr}\n{console}");
    console
}

/// Boots a profile of a flake.
fn boot_profile(site: &Site, flake: &str, profile: &str) -> String {
    let kernel = site.build(flake, profile, "kernel").join("bzImage");
    let initrd = site.build(flake, profile, "netbootRamdisk").join("initrd");
    boot(&kernel, &initrd, &site.build(flake, profile, "toplevel").join("init"))
}

#[test]
fn a_configuration_has_the_attributes_of_nixos() {
    let site = Site::new();
    let flake = site.flake(|flake| flake);
    let evaluate = |attribute: &str| {
        let attribute = format!("{flake}#{}", path("worker", attribute));
        site.nix("nix", &["eval", "--json", &attribute])
    };
    assert_eq!(evaluate("system.boot.loader.kernelFile").trim(), "\"bzImage\"");
    let parameters = evaluate("boot.kernelParams");
    assert!(parameters.starts_with("[\"console=ttyS0,115200\","), "{parameters}");
    assert!(site.build(&flake, "worker", "kernel").join("bzImage").is_file());
    assert!(site.build(&flake, "worker", "toplevel").join("init").is_file());
}

#[test]
fn the_initrd_has_the_same_bytes_whenever_it_is_built() {
    let site = Site::new();
    let initrd = site.build(&site.flake(|flake| flake), "all-in-one", "netbootRamdisk");
    let deriver = site.nix("nix-store", &["--query", "--deriver", initrd.to_str().unwrap()]);
    // Builds it again and compares.
    site.nix("nix-store", &["--realise", "--check", deriver.trim()]);
}

#[test]
fn a_machine_reports_its_profile_generation_services_and_command_line() {
    let site = Site::new();
    let flake = site.flake(|flake| flake);
    let console = boot_profile(&site, &flake, "worker");
    let lines: Vec<&str> = console.lines().collect();
    let init = site.build(&flake, "worker", "toplevel").join("init");
    for expected in [
        "NETBOOT-PROFILE worker",
        "NETBOOT-GENERATION first",
        &format!(
            "NETBOOT-CMDLINE init={} console=ttyS0,115200 loglevel=4 no_timer_check panic=-1",
            init.display()
        ),
        "NETBOOT-SERVICE novanet ok",
        "NETBOOT-SERVICE plasmavmc ok",
        "NETBOOT-READY worker",
    ] {
        assert!(lines.contains(&expected), "no `{expected}` in:\n{console}");
    }
}

#[test]
fn a_profile_that_lacks_a_service_is_never_ready() {
    let site = Site::new();
    let flake = site.flake(|flake| flake.without_service("flaredb"));
    let console = boot_profile(&site, &flake, "control-plane");
    assert!(console.contains("NETBOOT-FAILED missing flaredb"), "{console}");
    assert!(console.contains("NETBOOT-SERVICE chainfire ok"), "{console}");
    assert!(!console.contains("NETBOOT-READY"), "{console}");
}

#[test]
fn an_init_that_is_not_in_the_initrd_is_named() {
    let site = Site::new();
    let flake = site.flake(|flake| flake);
    let initrd = site.build(&flake, "worker", "netbootRamdisk").join("initrd");
    let console = boot(Testbed::locate().kernel(), &initrd, Path::new("/nix/store/*/init"));
    assert!(console.contains("stage 1: init /nix/store/*/init not found"), "{console}");
    assert!(!console.contains("NETBOOT-"), "{console}");
}

/// A shell script in place of `netboot-stage1`.
fn program(site: &Site, script: &str) -> PathBuf {
    let path = site.directory.path().canonicalize().unwrap().join("program");
    write_program(&path, &format!("#!/bin/sh\n{script}\n"));
    path
}

#[test]
fn another_system_has_the_same_kernel_and_closure_initrd() {
    let site = Site::new();
    let program = program(&site, "exit 1");
    let parts = |flake: TestFlake| {
        let flake = flake.write(&site.directory.path().join("flake")).unwrap();
        ["toplevel", "kernel", "netbootRamdisk"]
            .map(|part| site.build_for_closure(&flake, &program, part))
    };
    let [first, kernel, initrd] = parts(TestFlake::new(&Testbed::locate(), "first"));
    let second = TestFlake::new(&Testbed::locate(), "second").without_service("novanet");
    let [second, same_kernel, same_initrd] = parts(second);
    assert_ne!(first, second);
    assert_eq!((&kernel, &initrd), (&same_kernel, &same_initrd));
    let references = site.nix("nix-store", &["--query", "--requisites", initrd.to_str().unwrap()]);
    assert!(!references.contains("nixos-system"), "{references}");
    let bytes = initrd.join("initrd").metadata().unwrap().len();
    assert!(bytes < 4_000_000, "{bytes} bytes");
}

#[test]
fn stage_1_fetches_the_store_mounts_it_read_only_and_starts_its_init() {
    let site = Site::new();
    let script = r#"
        echo "fetching with $*"
        mkdir -p "$2/system"
        echo /nix/store/system > "$2/nix-path-registration"
        printf '#!/bin/sh\necho "init of $0"; touch /nix/store/new || echo read-only; poweroff -f\n' \
          > "$2/system/init"
        chmod 755 "$2/system/init"
    "#;
    let flake = site.flake(|flake| flake);
    let program = program(&site, script);
    let initrd = site.build_for_closure(&flake, &program, "netbootRamdisk").join("initrd");
    let console = boot(Testbed::locate().kernel(), &initrd, Path::new("/nix/store/system/init"));
    let lines: Vec<&str> = console.lines().collect();
    for expected in [
        "<<< NixOS Stage 1 >>>",
        "fetching with --into /sysroot/nix/.ro-store",
        "init of /nix/store/system/init",
        "read-only",
    ] {
        assert!(lines.contains(&expected), "no `{expected}` in:\n{console}");
    }
}

#[test]
fn a_machine_that_cannot_fetch_boots_again() {
    let site = Site::new();
    let program = program(&site, "echo no network; exit 1");
    let flake = site.flake(|flake| flake);
    let initrd = site.build_for_closure(&flake, &program, "netbootRamdisk").join("initrd");
    let console = boot(Testbed::locate().kernel(), &initrd, Path::new("/nix/store/system/init"));
    assert!(console.contains("no network"), "{console}");
    assert!(!console.contains("init not found") && !console.contains("panic"), "{console}");
}
