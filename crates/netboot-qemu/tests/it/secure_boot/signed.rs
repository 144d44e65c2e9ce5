//! Programs that the firmware's keys signed boot.

use std::fs;

use netboot_core::Context;
use netboot_qemu::{BootReport, BootStage, Error, Firmware, MachineBuilder, Verifier};
use netboot_testbed::write_program;
use tempfile::TempDir;

use super::keys::{NO_KEYS, SigningKey};
use super::programs::{COMMAND_LINE, add_addon, add_program};
use crate::followed_hints::assert_hint;
use crate::machine::site::{Site, assert_consistent, machine};

/// Boots `name` of the site by the firmware's own HTTP.
pub(crate) async fn boot(site: &Site, machine: MachineBuilder, name: &str) -> BootReport {
    let machine = machine.build().unwrap();
    let report = machine.boot_by_http(&site.server.url(name), &Context::new()).await.unwrap();
    println!("{name}: {report}\n{}", report.console);
    assert_consistent(&report);
    report
}

fn secure() -> MachineBuilder {
    machine(Firmware::UefiSecureBoot)
}

#[tokio::test]
async fn a_signed_program_boots_in_lockdown() {
    let site = Site::new().await;
    add_program(&site, "unsigned.efi");
    let key = SigningKey::new();
    key.sign(&site.path().join("unsigned.efi"), &site.path().join("signed.efi"));

    // A machine without keys proves nothing. The hint says how to make them, as the test did.
    let enroll = "--enroll-cert CERT --add-db GUID CERT --no-microsoft --sb";
    let error = secure().build().unwrap_err();
    assert!(matches!(error, Error::KeysMissing), "{error}");
    assert_hint(&error, "give keys with firmware_keys, or");
    assert_hint(&error, enroll);
    let error = machine(Firmware::Uefi).firmware_keys(key.firmware_keys()).build().unwrap_err();
    assert_hint(&error, "use UEFI with Secure Boot for a machine with keys");
    let url = site.server.url("signed.efi");
    let without = secure().firmware_variables(NO_KEYS).build().unwrap();
    let error = without.boot_by_http(&url, &Context::new()).await.unwrap_err();
    assert!(error.to_string().contains("no platform key"), "{error}");
    assert_hint(&error, enroll);

    let keys = secure().firmware_variables(key.variables());
    // Nor does a machine that would boot the card's iPXE, which nobody signed.
    let error = keys.clone().build().unwrap().boot(&url, &Context::new()).await.unwrap_err();
    assert_hint(&error, "boot an EFI program with `boot_by_http`");

    let command_line = format!("NETBOOT-CMDLINE {COMMAND_LINE}");
    let report = boot(&site, keys.expect(command_line), "signed.efi").await;
    report.ensure_success().unwrap();
    assert!(report.locked_down, "{}", report.console);
    let stages: Vec<_> = report.stages.keys().copied().collect();
    let expected = [
        BootStage::Started,
        BootStage::Dhcp,
        BootStage::Program,
        BootStage::Kernel,
        BootStage::KernelStarted,
        BootStage::InitReached,
        BootStage::MarkersSeen,
    ];
    assert_eq!(stages, expected);
    assert!(report.fetched.len() == 1 && report.fetched[0].succeeded(), "{:?}", report.fetched);
    assert_eq!(report.fetched[0].url, report.url);

    // The kernel takes modules that its own key signed, and refuses others.
    assert!(report.console.contains("NETBOOT-SIGNED-MODULE"), "{}", report.console);
    assert!(!report.console.contains("NETBOOT-UNSIGNED-MODULE"), "{}", report.console);
    let by: Vec<_> = report.refusals.iter().map(|refusal| refusal.by).collect();
    assert!(!by.is_empty() && by.iter().all(|by| *by == Verifier::Kernel), "{report}");
    assert!(report.refusals[0].hint().contains("the kernel's own keys signed"), "{report}");
}

/// systemd's stub reads addons only from the disk of its image, so a disk boots here.
#[tokio::test]
async fn an_addon_that_was_altered_or_that_another_key_signed_is_refused_by_the_stub() {
    let site = Site::new().await;
    add_program(&site, "unsigned.efi");
    let (key, other) = (SigningKey::new(), SigningKey::new());
    let program = site.path().join("signed.efi");
    key.sign(&site.path().join("unsigned.efi"), &program);
    for (name, key) in [("own.addon.efi", &key), ("other.addon.efi", &other)] {
        add_addon(&site, "unsigned-addon");
        key.sign(&site.path().join("unsigned-addon"), &site.path().join(name));
    }
    // One byte of the parameters.
    let mut altered = fs::read(site.path().join("own.addon.efi")).unwrap();
    let text = b"netboot.addon=1";
    let start = altered.windows(text.len()).position(|part| part == text).unwrap();
    altered[start + text.len() - 1] = b'2';
    site.write("altered.addon.efi", altered);
    // The wrapper puts the addons beside the program on the machine's drive.
    let directory = TempDir::new().unwrap();
    let wrapper = directory.path().join("qemu");
    write_program(
        &wrapper,
        &format!(
            "#!/bin/sh\n\
             for argument; do case \"$argument\" in *file=fat:*) drive=${{argument##*fat:}} ;; esac; done\n\
             [ -z \"$drive\" ] || {{\n\
               addons=\"$drive/EFI/BOOT/BOOTX64.EFI.extra.d\"\n\
               mkdir \"$addons\" && cp {site}/*.addon.efi \"$addons\" || exit\n\
             }}\n\
             exec qemu-system-x86_64 \"$@\"\n",
            site = site.path().display()
        ),
    );
    fs::copy(&program, site.path().join("boot.ipxe")).unwrap();
    let machine = secure().firmware_keys(key.firmware_keys()).ipxe(&program);
    let machine = machine.qemu_program(&wrapper).expect("NETBOOT-CMDLINE");
    let report = site.boot(machine, "boot.ipxe").await;
    println!("{}", report.console);
    report.ensure_success().unwrap();
    assert!(report.locked_down, "{}", report.console);
    // The addon of the own key did its work.
    let line = format!("NETBOOT-CMDLINE {COMMAND_LINE} netboot.addon=1");
    assert!(report.console.lines().any(|shown| shown == line), "{}", report.console);
    for name in ["other.addon.efi", "altered.addon.efi"] {
        let mut refusals = report.refusals.iter().filter(|it| it.by == Verifier::Stub);
        let refusal = refusals.find(|refusal| refusal.line.contains(name));
        let refusal = refusal.unwrap_or_else(|| panic!("{name}: {report}"));
        assert!(refusal.hint().contains("sign the addon with a key"), "{refusal}");
    }
}
