//! Linux enrols signed values of the firmware's variables, which turns Secure Boot on.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use netboot_core::Context;
use netboot_qemu::{Firmware, MachineBuilder, Verifier};
use netboot_testbed::{DebianTree, tool, write_program};
use netboot_uki::{SecureBootVariable, TestKeys, sign};

use super::keys::{NO_KEYS, run};
use super::signed::boot;
use crate::machine::site::{Site, machine};

/// The files of the variables in Linux's `efivarfs`, in the order in which they are written. `PK`
/// ends the setup mode.
const VARIABLES: [(&str, &str); 3] = [
    ("db", "d719b2cb-3d3a-4596-a3bc-dad00e67656f"),
    ("KEK", "8be4df61-93ca-11d2-aa0d-00e098032b8c"),
    ("PK", "8be4df61-93ca-11d2-aa0d-00e098032b8c"),
];

/// Writes the variables, unless the firmware has them. Linux wants the attributes of a variable
/// before its value, all in one write.
const INIT: &str = "#!/bin/busybox sh
busybox mkdir -p /sys
busybox mount -t sysfs sysfs /sys
busybox insmod /efivarfs.ko
busybox mount -t efivarfs efivarfs /sys/firmware/efi/efivars
for variable in db-d719b2cb-3d3a-4596-a3bc-dad00e67656f KEK-8be4df61-93ca-11d2-aa0d-00e098032b8c \
    PK-8be4df61-93ca-11d2-aa0d-00e098032b8c; do
  file=/sys/firmware/efi/efivars/$variable
  [ -e $file ] && echo \"NETBOOT-HAS $variable\" && continue
  busybox dd if=/$variable of=$file bs=65536 && echo \"NETBOOT-WROTE $variable\"
done
busybox sleep 600
";

/// Writes a UKI that nobody signed, which has the signed values of the variables.
fn add_program(site: &Site, keys: &Path) {
    let tree = DebianTree::TRIXIE_LINUX;
    let kernel = tree.kernel();
    let release = kernel.file_name().unwrap().to_str().unwrap().strip_prefix("vmlinuz-").unwrap();
    let module = format!("usr/lib/modules/{release}/kernel/fs/efivarfs/efivarfs.ko.xz");
    let unpacked = Command::new(tool("xz")).arg("-dc").arg(tree.path(&module)).output().unwrap();
    let mut files = vec![("efivarfs.ko".to_owned(), unpacked.stdout)];
    for (name, vendor) in VARIABLES {
        let value = fs::read(keys.join(format!("{name}.auth"))).unwrap();
        // Kept by a restart, for firmware and system, and changed by signed values only.
        files.push((format!("{name}-{vendor}"), [&[0x27, 0, 0, 0], &*value].concat()));
    }
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    site.add_initrd_with("initrd", INIT, &files);
    let mut ukify = DebianTree::TRIXIE_UKIFY.python("usr/bin/ukify");
    ukify.args(["build", "--uname", release, "--os-release", "ID=netboot-test"]);
    ukify.args(["--cmdline", "console=ttyS0 no_timer_check panic=-1", "--stub"]);
    ukify.arg(DebianTree::systemd_efi("linuxx64.efi.stub"));
    ukify.arg("--linux").arg(&kernel).arg("--initrd").arg(site.path().join("initrd"));
    run(ukify.arg("--output").arg(site.path().join("unsigned.efi")));
}

#[tokio::test]
async fn linux_enrols_signed_values_and_the_firmware_then_checks_signatures() {
    let (site, context) = (Site::new().await, Context::new());
    let path = |name: &str| site.path().join(name);
    let keys = TestKeys::generate("netboot tests", SystemTime::now()).unwrap();
    fs::create_dir(path("keys")).unwrap();
    keys.write(path("keys"), &context).await.unwrap();
    add_program(&site, &path("keys"));
    let db = keys.signer(SecureBootVariable::Signatures).unwrap();
    sign(path("unsigned.efi"), path("signed.efi"), &db, &context).await.unwrap();

    // A machine in setup mode has no keys, so the wrapper adds what Secure Boot needs, and a name
    // for the variables, which the machine would remove.
    let wrapper = path("qemu");
    write_program(
        &wrapper,
        &format!(
            "#!/bin/sh\n\
             for argument; do\n\
               shift\n\
               case $argument in\n\
                 q35) argument=q35,smm=on ;;\n\
                 *unit=1,file=*) ln -f \"${{argument##*file=}}\" '{}' || exit ;;\n\
               esac\n\
               set -- \"$@\" \"$argument\"\n\
             done\n\
             exec qemu-system-x86_64 \"$@\" \
               -global driver=cfi.pflash01,property=secure,value=on\n",
            path("enrolled.fd").display()
        ),
    );
    let setup_mode = machine(Firmware::Uefi)
        .qemu_program(&wrapper)
        .firmware_code("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
        .firmware_variables(NO_KEYS);
    let written = |word: &str| VARIABLES.map(|(name, vendor)| format!("{word} {name}-{vendor}"));
    let setup_mode = written("NETBOOT-WROTE").into_iter().fold(setup_mode, MachineBuilder::expect);
    let report = boot(&site, setup_mode, "unsigned.efi").await;
    report.ensure_success().unwrap();
    assert!(!report.locked_down, "{report}");

    let enrolled = machine(Firmware::UefiSecureBoot).firmware_variables(path("enrolled.fd"));
    let report = boot(&site, enrolled.clone(), "unsigned.efi").await;
    let by: Vec<_> = report.refusals.iter().map(|refusal| refusal.by).collect();
    assert_eq!(by, [Verifier::Firmware], "{report}");
    let enrolled = written("NETBOOT-HAS").into_iter().fold(enrolled, MachineBuilder::expect);
    let report = boot(&site, enrolled, "signed.efi").await;
    report.ensure_success().unwrap();
    assert!(report.locked_down, "{report}");
}
