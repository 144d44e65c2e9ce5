//! The PCRs in the TPM of a machine that booted are those that Netboot predicted from the UKI.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use netboot_core::Context;
use netboot_qemu::{DirectoryServer, Firmware, Machine, MachineBuilder};
use netboot_testbed::{DebianTree, PATIENCE, tool};
use netboot_uki::{
    BootPath, EfiProgram, MeasuredUki, PredictedPcrs, SecureBootVariable, TestKeys, sign,
};
use tempfile::TempDir;

use crate::script_uki::{firmware_keys, uki};

/// Prints the PCRs of the SHA-256 bank. Linux shows them in capital letters.
const INIT: &str = "#!/bin/busybox sh
busybox mkdir -p /proc /sys
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
for pcr in 4 11 12; do
  echo \"PCR-$pcr=$(busybox cat /sys/class/tpm/tpm0/pcr-sha256/$pcr)\"
done
echo \"NETBOOT-MEASURED\"
busybox sleep 600
";

const PARAMETERS: [&str; 3] = ["console=ttyS0", "no_timer_check", "panic=-1"];

/// Makes a UKI that prints its PCRs.
async fn write_uki(path: &Path) {
    uki(INIT, &PARAMETERS).await.write(path, &Context::new()).await.unwrap();
}

/// The lines that a machine with these PCRs prints.
fn lines(pcrs: &PredictedPcrs) -> [String; 3] {
    [(4, pcrs.pcr_4), (11, pcrs.pcr_11), (12, pcrs.pcr_12)]
        .map(|(number, value)| format!("PCR-{number}={}", value.to_string().to_uppercase()))
}

fn machine() -> MachineBuilder {
    Machine::builder().tpm(tool("swtpm")).expect("NETBOOT-MEASURED").timeout(PATIENCE)
}

#[tokio::test]
async fn the_firmware_boots_a_uki_under_secure_boot_and_the_pcrs_are_as_predicted() {
    let (directory, context) = (TempDir::new().unwrap(), Context::new());
    let path = |name: &str| directory.path().join(name);
    write_uki(&path("unsigned.efi")).await;
    let keys = TestKeys::generate("netboot tests", SystemTime::now()).unwrap();
    let db = keys.signer(SecureBootVariable::Signatures).unwrap();
    sign(path("unsigned.efi"), path("signed.efi"), &db, &context).await.unwrap();
    let server = DirectoryServer::start(directory.path()).await.unwrap();
    let machine = machine().firmware(Firmware::UefiSecureBoot).firmware_keys(firmware_keys(&keys));
    let url = server.url("signed.efi");
    let report = machine.build().unwrap().boot_by_http(&url, &context).await.unwrap();
    println!("{report}\n{}", report.console);
    report.ensure_success().unwrap();
    let uki = MeasuredUki::open(path("signed.efi")).unwrap();
    for line in lines(&uki.predict(&BootPath::secure_boot()).unwrap()) {
        assert!(report.console.contains(&line), "no {line} in:\n{}", report.console);
    }
}

/// Without Secure Boot, the firmware measures the kernel, and the stub measures the arguments of
/// iPXE's script.
#[tokio::test]
async fn ipxe_boots_a_uki_with_arguments_and_the_pcrs_are_as_predicted() {
    let (directory, context) = (TempDir::new().unwrap(), Context::new());
    write_uki(&directory.path().join("uki.efi")).await;
    let options = format!("uki.efi {} init=/init", PARAMETERS.join(" "));
    let script = format!("#!ipxe\nkernel {options}\nboot\n");
    fs::write(directory.path().join("boot.ipxe"), script).unwrap();
    let server = DirectoryServer::start(directory.path()).await.unwrap();
    // Older ones do not look for a script on the disk that they are on.
    let ipxe = &DebianTree::TRIXIE_IPXE.path("usr/lib/ipxe/ipxe.efi");
    let machine = machine().firmware(Firmware::Uefi).ipxe(ipxe);
    let url = server.url("boot.ipxe");
    let report = machine.build().unwrap().boot(&url, &context).await.unwrap();
    println!("{report}\n{}", report.console);
    report.ensure_success().unwrap();
    let path = BootPath::without_secure_boot().ipxe(&EfiProgram::open(ipxe).unwrap());
    let path = path.load_options(&options).unwrap();
    let uki = MeasuredUki::open(directory.path().join("uki.efi")).unwrap();
    for line in lines(&uki.predict(&path).unwrap()) {
        assert!(report.console.contains(&line), "no {line} in:\n{}", report.console);
    }
}
