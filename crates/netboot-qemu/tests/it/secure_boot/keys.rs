//! Keys of a test, and the firmware's variables that have them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_qemu::FirmwareKeys;
use netboot_testbed::{DebianTree, tool};
use tempfile::TempDir;

/// The variables of OVMF before anybody enrolled a key.
pub(crate) const NO_KEYS: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// A key that signs programs, and its certificate.
pub(crate) struct SigningKey(TempDir);

impl SigningKey {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let key = Self(directory);
        let mut request = Command::new(tool("openssl"));
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]);
        request.args(["-subj", "/CN=netboot test", "-keyout"]).arg(key.0.path().join("key"));
        run(request.arg("-out").arg(key.certificate()));
        key
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.path().join("certificate")
    }

    /// Signs an EFI program into another file.
    pub(crate) fn sign(&self, program: &Path, signed: &Path) {
        let mut sign = Command::new(DebianTree::SECURE_BOOT.program("sbsign"));
        sign.arg("--key").arg(self.0.path().join("key")).arg("--cert").arg(self.certificate());
        run(sign.arg("--output").arg(signed).arg(program));
    }

    /// This key for each variable, as lists that efitools write.
    pub(crate) fn firmware_keys(&self) -> FirmwareKeys {
        let list = self.0.path().join("list");
        let mut convert = Command::new(DebianTree::SECURE_BOOT.program("cert-to-efi-sig-list"));
        run(convert.arg(self.certificate()).arg(&list));
        let list = fs::read(list).unwrap();
        FirmwareKeys::new(&*list, &*list, &*list).unwrap()
    }

    /// Variables with this key, as the hint of a machine without keys says.
    pub(crate) fn variables(&self) -> PathBuf {
        let variables = self.0.path().join("variables");
        let certificate = self.certificate();
        let mut enroll = DebianTree::TRIXIE_VIRT_FIRMWARE.python("usr/bin/virt-fw-vars");
        enroll.args(["--input", NO_KEYS, "--output"]).arg(&variables);
        enroll.arg("--enroll-cert").arg(&certificate);
        enroll.args(["--add-db", "a0baa8a3-041d-48a8-bc87-c36d121b5e3d"]).arg(&certificate);
        run(enroll.args(["--no-microsoft", "--sb"]));
        variables
    }
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
