//! Programs, firmware and resources that this machine lacks.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_core::Architecture;
use netboot_qemu::{Accelerator, DirectoryServer, Error, Firmware, NetworkAccess};
use netboot_testbed::{DebianTree, TestProcess, tool, write_program};
use tempfile::TempDir;

use super::{GOOD, assert_boots, assert_hint, boot};
use crate::machine::site::{Site, machine};

fn expecting() -> netboot_qemu::MachineBuilder {
    machine(Firmware::Bios).accelerator(Accelerator::Tcg).expect("NETBOOT-HERE")
}

/// Writes a shell script that replaces QEMU. It runs `before` and then QEMU, after `prefix`.
fn script(directory: &Path, prefix: &str, before: &str) -> PathBuf {
    let program = directory.join("qemu");
    let real = tool("qemu-system-x86_64");
    let script = format!("#!/bin/sh\n{prefix}{before}\nexec {} \"$@\"\n", real.display());
    write_program(&program, &script);
    program
}

fn wrapper(directory: &Path, before: &str) -> PathBuf {
    script(directory, "", before)
}

/// Writes a shell script that replaces QEMU, and whose mounts nobody else sees.
fn within_mounts(directory: &Path, mounts: &str) -> PathBuf {
    let unshare = tool("unshare");
    let again = format!(
        "[ -n \"$NETBOOT_TEST_MOUNTS\" ] || NETBOOT_TEST_MOUNTS=1 exec {} -r -m \"$0\" \"$@\"\n",
        unshare.display()
    );
    script(directory, &again, mounts)
}

#[tokio::test]
async fn a_qemu_that_is_named_and_may_run_boots() {
    let site = Site::with_script(GOOD).await;
    let url = site.server.url("boot.ipxe");
    let error = boot(expecting().qemu_program("no-such-qemu"), &url).await.unwrap_err();
    assert_hint(&error, "or give its path with qemu_program");
    assert_boots(expecting().qemu_program(tool("qemu-system-x86_64")), &url).await;

    let directory = TempDir::new().unwrap();
    let program = wrapper(directory.path(), "");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    let error = boot(expecting().qemu_program(&program), &url).await.unwrap_err();
    assert!(matches!(error, Error::Spawn { .. }), "{error}");
    assert_hint(&error, "give this user access to the path");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    assert_boots(expecting().qemu_program(&program), &url).await;
}

#[tokio::test]
async fn a_firmware_that_is_named_boots() {
    let site = Site::with_script(GOOD).await;
    let url = site.server.url("boot.ipxe");
    let uefi = || expecting().firmware(Firmware::Uefi);
    let error = boot(uefi().firmware_code("/no/such/CODE.fd"), &url).await.unwrap_err();
    assert_hint(&error, "or give its path with firmware_code");
    // The installed one.
    let report = boot(uefi(), &url).await.unwrap();
    let drive = report.command_line.iter().find(|argument| argument.contains("unit=0")).unwrap();
    let (_, path) = drive.split_once("file=").unwrap();
    assert_boots(uefi().firmware_code(path), &url).await;
}

#[tokio::test]
async fn an_ipxe_that_is_named_boots_an_arm_machine() {
    let site = Site::with_script(GOOD).await;
    let url = site.server.url("boot.ipxe");
    let arm64 = || expecting().firmware(Firmware::Uefi).architecture(Architecture::Aarch64);
    // Debian 12 has none, and Debian 13 and Fedora have one.
    if let Err(error) = boot(arm64(), &url).await {
        assert_hint(&error, "or give its path with ipxe");
    }
    let ipxe = DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-arm64.efi");
    assert_boots(arm64().ipxe(ipxe), &url).await;
}

#[tokio::test]
async fn a_qemu_with_the_roms_of_its_network_cards_boots() {
    let site = Site::with_script(GOOD).await;
    let url = site.server.url("boot.ipxe");
    // The wrapper hides the files of Debian's package `ipxe-qemu` until they are installed.
    let directory = TempDir::new().unwrap();
    let (empty, installed) = (directory.path().join("empty"), directory.path().join("installed"));
    fs::create_dir(&empty).unwrap();
    let hide = format!("mount --bind {} /usr/lib/ipxe/qemu", empty.display());
    let program =
        within_mounts(directory.path(), &format!("[ -e {} ] || {hide}", installed.display()));
    let error = boot(expecting().qemu_program(&program), &url).await.unwrap_err();
    assert!(matches!(error, Error::QemuFailed { .. }), "{error}");
    assert_hint(&error, "install iPXE's ROMs for QEMU's network cards");
    fs::write(&installed, "").unwrap();
    assert_boots(expecting().qemu_program(&program), &url).await;
}

#[tokio::test]
async fn a_machine_with_less_memory_or_another_accelerator_boots() {
    let site = Site::with_script(GOOD).await;
    let url = site.server.url("boot.ipxe");
    let error = boot(expecting().memory_mib(u32::MAX), &url).await.unwrap_err();
    assert_hint(&error, "reduce the memory of the machine with memory_mib");

    // Linux kills a QEMU that takes too much memory, as this wrapper does.
    let directory = TempDir::new().unwrap();
    let killed = "case \"$*\" in *' 4096'*) kill -KILL $$ ;; esac";
    let program = wrapper(directory.path(), killed);
    let large = expecting().memory_mib(4096).qemu_program(&program);
    let error = boot(large, &url).await.unwrap_err();
    assert_hint(&error, "or boot fewer machines at once: QEMU was killed");
    assert_boots(expecting().memory_mib(256).qemu_program(&program), &url).await;

    // A machine without KVM.
    let hide = "[ ! -e /dev/kvm ] || mount --bind /dev/null /dev/kvm";
    let program = within_mounts(directory.path(), hide);
    let by = |accelerator| expecting().accelerator(accelerator).qemu_program(&program);
    let error = boot(by(Accelerator::Kvm), &url).await.unwrap_err();
    assert_hint(&error, "use Accelerator::Auto or Accelerator::Tcg");
    for accelerator in [Accelerator::Tcg, Accelerator::Auto] {
        assert_boots(by(accelerator), &url).await;
    }
}

/// Names QEMU in the process whose PATH lacks it.
const QEMU: &str = "NETBOOT_TEST_QEMU";

#[tokio::test]
async fn a_machine_without_the_forwarder_boots_unrestricted_or_with_bash() {
    let site = Site::with_script(GOOD).await;
    let url = site.server.url("boot.ipxe");
    let Some(qemu) = std::env::var_os(QEMU) else {
        let nothing = TempDir::new().unwrap();
        let name = "a_machine_without_the_forwarder_boots_unrestricted_or_with_bash";
        TestProcess::new(&format!("followed_hints::programs::{name}"))
            .env(QEMU, tool("qemu-system-x86_64"))
            .env("PATH", nothing.path())
            .passes();
        // With `bash` in the path.
        assert_boots(expecting(), &url).await;
        return;
    };
    let error = boot(expecting().qemu_program(&qemu), &url).await.unwrap_err();
    assert!(matches!(error, Error::ForwarderMissing), "{error:?}");
    assert_hint(&error, "or give the machine NetworkAccess::Unrestricted");
    let open = expecting().network_access(NetworkAccess::Unrestricted);
    assert_boots(open.qemu_program(&qemu), &url).await;
}

#[tokio::test]
async fn a_server_listens_once_a_port_and_an_open_file_are_free() {
    let name = "followed_hints::programs::a_server_listens_once_a_port_and_an_open_file_are_free";
    let prefix = ["unshare", "--user", "--map-root-user", "--net"];
    if !TestProcess::behind(&prefix, name).is_this() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let up = Command::new(tool("ip")).args(["link", "set", "lo", "up"]).status().unwrap();
    assert!(up.success());
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40003").unwrap();
    let mut others = Vec::new();
    while let Ok(other) = TcpListener::bind("127.0.0.1:0") {
        others.push(other);
    }
    let error = DirectoryServer::start(directory.path()).await.unwrap_err();
    assert!(matches!(error, Error::Bind { .. }), "{error:?}");
    assert_hint(&error, "end other servers on 127.0.0.1");
    others.clear();
    DirectoryServer::start(directory.path()).await.unwrap().stop().await;

    let limit = |limit: &str| {
        let own = std::process::id().to_string();
        let set = Command::new(tool("prlimit")).args(["--pid", &own, limit]).status().unwrap();
        assert!(set.success());
    };
    limit("--nofile=64:");
    let mut files = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        files.push(file);
    }
    let error = DirectoryServer::start(directory.path()).await.unwrap_err();
    assert_hint(&error, "raise the limit of open files");
    // Another program raises the limit, which needs open files of its own.
    files.truncate(16);
    limit("--nofile=1024:");
    while files.len() < 64 {
        files.push(fs::File::open("/dev/null").unwrap());
    }
    DirectoryServer::start(directory.path()).await.unwrap();
}

#[tokio::test]
async fn a_machine_boots_once_its_temporary_files_have_room() {
    let name = "followed_hints::programs::a_machine_boots_once_its_temporary_files_have_room";
    let directory = TempDir::new().unwrap();
    let mount = "mount -t tmpfs -o size=64k none \"$TMPDIR\" && exec \"$@\"";
    let prefix = ["unshare", "-r", "--mount", "sh", "-c", mount, "sh"];
    if !TestProcess::behind(&prefix, name).env("TMPDIR", directory.path()).is_this() {
        return;
    }
    let site = Site::with_script(GOOD).await;
    let url = site.server.url("boot.ipxe");
    let uefi = || expecting().firmware(Firmware::Uefi);
    let error = boot(uefi(), &url).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_hint(&error, "free space for temporary files");
    let larger = ["-o", "remount,size=16m", &std::env::var("TMPDIR").unwrap()].map(String::from);
    assert!(Command::new(tool("mount")).args(larger).status().unwrap().success());
    assert_boots(uefi(), &url).await;
}
