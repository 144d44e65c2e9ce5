//! A served directory of scripts and payloads for a machine under test.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use netboot_core::Context;
use netboot_qemu::{BootReport, BootStage, DirectoryServer, Firmware, Machine, MachineBuilder};
use netboot_testbed::{PATIENCE, Testbed};
use tempfile::TempDir;

/// A server of a directory that a test fills.
pub(crate) struct Site {
    directory: TempDir,
    pub(crate) server: DirectoryServer,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let server = DirectoryServer::start(directory.path()).await.unwrap();
        Self { directory, server }
    }

    /// A site with one script.
    pub(crate) async fn with_script(text: &str) -> Self {
        let site = Self::new().await;
        site.write("boot.ipxe", text);
        site
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Copies the test bed's kernel to `name`.
    pub(crate) fn add_kernel(&self, name: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(Testbed::locate().kernel(), path).unwrap();
    }

    /// Writes an initrd with busybox and this script as `/init` to `name`.
    pub(crate) fn add_initrd(&self, name: &str, init: &str) {
        self.add_initrd_with(name, init, &[]);
    }

    /// Writes an initrd with busybox, this script as `/init` and these other files to `name`.
    pub(crate) fn add_initrd_with(&self, name: &str, init: &str, files: &[(&str, Vec<u8>)]) {
        let testbed = Testbed::locate();
        let root = TempDir::new().unwrap();
        for directory in ["bin", "proc"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        fs::copy(testbed.busybox(), root.path().join("bin/busybox")).unwrap();
        fs::write(root.path().join("init"), init).unwrap();
        for (file, content) in files {
            fs::write(root.path().join(file), content).unwrap();
        }
        let archive = Command::new(testbed.busybox())
            .args(["sh", "-c", "chmod 755 init; find . | cpio -o -H newc"])
            .current_dir(root.path())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert!(archive.status.success());
        self.write(name, archive.stdout);
    }

    pub(crate) async fn boot(&self, machine: MachineBuilder, script: &str) -> BootReport {
        let url = self.server.url(script);
        let report = machine.build().unwrap().boot(&url, &Context::new()).await.unwrap();
        println!("{report}");
        assert_consistent(&report);
        report
    }
}

/// A machine with this firmware and a time limit for a busy computer.
pub(crate) fn machine(firmware: Firmware) -> MachineBuilder {
    Machine::builder().firmware(firmware).memory_mib(512).timeout(PATIENCE)
}

/// Checks what is true of every report.
pub(crate) fn assert_consistent(report: &BootReport) {
    assert_eq!(report.stages[&BootStage::Started], Duration::ZERO);
    assert_eq!(Some(&report.reached), report.stages.keys().next_back());
    let times: Vec<_> = report.stages.values().collect();
    assert!(times.is_sorted(), "{:?}", report.stages);
    assert!(report.stages.values().all(|time| *time <= report.duration));
    assert!(!report.console.contains('\x1b'), "{}", report.console);
    assert!(report.command_line[0].contains("qemu"));
    let json = serde_json::to_value(report).unwrap();
    assert_eq!(json["stages"]["started"], 0.0);
    assert_eq!(json["console"], report.console.as_str());
}
