//! Firmware does not boot a program that its keys did not sign, or that it cannot fetch.

use std::fs;
use std::path::Path;
use std::time::Duration;

use netboot_core::Context;
use netboot_qemu::{BootOutcome, BootStage, Error, FetchOutcome, Firmware, Verifier};
use netboot_testbed::tool;

use super::keys::{NO_KEYS, SigningKey};
use super::programs::{COMMAND_LINE, add_program};
use super::signed::boot;
use crate::followed_hints::assert_hint;
use crate::machine::processes::runs;
use crate::machine::site::{Site, machine};

#[tokio::test]
async fn what_the_keys_did_not_sign_is_refused_by_the_firmware() {
    let site = Site::new().await;
    add_program(&site, "unsigned.efi");
    let unsigned = site.path().join("unsigned.efi");
    let key = SigningKey::new();
    SigningKey::new().sign(&unsigned, &site.path().join("other-key.efi"));
    key.sign(&unsigned, &site.path().join("signed.efi"));
    // One byte of the command line.
    let mut altered = fs::read(site.path().join("signed.efi")).unwrap();
    let text = COMMAND_LINE.as_bytes();
    let start = altered.windows(text.len()).rposition(|part| part == text).unwrap();
    altered[start + text.len() - 1] = b'2';
    site.write("altered.efi", altered);

    let machine = machine(Firmware::UefiSecureBoot).firmware_keys(key.firmware_keys());
    for name in ["unsigned.efi", "altered.efi", "other-key.efi"] {
        let report = boot(&site, machine.clone(), name).await;
        assert!(matches!(report.outcome, BootOutcome::FirmwareGaveUp { .. }), "{report}");
        assert_eq!(report.reached, BootStage::Dhcp, "{report}");
        // It arrived, and was not run.
        assert!(report.fetched[0].succeeded(), "{:?}", report.fetched);
        let [refusal] = &report.refusals[..] else { panic!("{report}") };
        assert_eq!(refusal.by, Verifier::Firmware);
        assert!(refusal.line.ends_with(": Access Denied"), "{refusal}");
        let error = report.ensure_success().unwrap_err();
        assert!(error.to_string().contains("refused by the firmware: "), "{error}");
        // The other test boots a program that was signed so.
        assert_hint(&error, "sign the program with a key whose certificate is in the firmware's");
    }
}

#[tokio::test]
async fn without_secure_boot_the_firmware_boots_what_nobody_signed() {
    let site = Site::new().await;
    add_program(&site, "unsigned.efi");
    let uefi = || machine(Firmware::Uefi).expect("NETBOOT-CMDLINE");
    let context = Context::new();

    let missing = boot(&site, uefi(), "missing.efi").await;
    assert!(matches!(missing.outcome, BootOutcome::FirmwareGaveUp { .. }), "{missing}");
    let message = "Client Error: 404 Not Found".to_owned();
    let [fetch] = &missing.fetched[..] else { panic!("{:?}", missing.fetched) };
    assert_eq!(fetch.outcome, FetchOutcome::FirmwareFailed { message });
    let error = missing.ensure_success().unwrap_err();
    assert_hint(&error, "check that a server listens at the port, that it has the file");

    // The next boot of this machine has enough time.
    let short = boot(&site, uefi().timeout(Duration::from_millis(1)), "unsigned.efi").await;
    assert_hint(&short.ensure_success().unwrap_err(), "allow more time: the firmware has no");

    let url = site.server.url("unsigned.efi");
    let bios = machine(Firmware::Bios).build().unwrap();
    let error = bios.boot_by_http(&url, &context).await.unwrap_err();
    assert_hint(&error, "change the firmware: use UEFI");
    let machine = uefi().build().unwrap();
    let https = "https://127.0.0.1/unsigned.efi".parse().unwrap();
    let error = machine.boot_by_http(&https, &context).await.unwrap_err();
    assert_hint(&error, "serve the program over plain http");
    let error = machine.boot_by_http(&site.server.url("unsigned"), &context).await.unwrap_err();
    assert_hint(&error, "serve the program under a name that ends in `.efi`");

    let without = uefi().tpm("/no/such/swtpm").build().unwrap();
    let error = without.boot_by_http(&url, &context).await.unwrap_err();
    assert_hint(&error, "or give its path with tpm");
    let fails = uefi().tpm(tool("false")).build().unwrap();
    let error = fails.boot_by_http(&url, &context).await.unwrap_err();
    assert!(matches!(error, Error::TpmFailed { .. }), "{error}");
    assert_hint(&error, "check that the path given with tpm is that of swtpm");
    let report = boot(&site, uefi().tpm(tool("swtpm")), "unsigned.efi").await;
    report.ensure_success().unwrap();
    // The stub measured the program's sections.
    let register = report.console.lines().find_map(|line| line.strip_prefix("NETBOOT-PCR11 "));
    let register = register.unwrap_or_else(|| panic!("{}", report.console));
    assert!(register.len() == 64 && register.contains(|digit| digit != '0'), "{register}");
    // It ended with the machine, and left nothing.
    let socket = report.command_line.iter().find_map(|it| it.strip_prefix("socket,id=tpm,path="));
    let socket = Path::new(socket.unwrap());
    let name = socket.file_name().unwrap().to_str().unwrap();
    assert!(!runs(&format!("type=unixio,path={name}")), "{name}");
    assert!(!socket.parent().unwrap().exists(), "{}", socket.display());
    assert!(!report.locked_down && report.refusals.is_empty(), "{report}");
    // Without Secure Boot, Linux takes the module that nobody signed.
    assert!(report.console.contains("NETBOOT-UNSIGNED-MODULE"), "{}", report.console);
}

#[tokio::test]
async fn firmware_that_keeps_no_variables_proves_nothing() {
    let site = Site::new().await;
    add_program(&site, "unsigned.efi");
    let key = SigningKey::new();
    key.sign(&site.path().join("unsigned.efi"), &site.path().join("signed.efi"));
    let keys = key.firmware_keys();
    let machine = machine(Firmware::UefiSecureBoot).firmware_keys(keys).expect("NETBOOT-CMDLINE");
    // This build has no System Management Mode.
    let machine = machine.firmware_code("/usr/share/OVMF/OVMF_CODE_4M.fd").build().unwrap();
    let url = site.server.url("signed.efi");
    let error = machine.boot_by_http(&url, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::SecureBootUnproven { .. }), "{error}");
    // The tests of signed programs use the build that the hint names.
    assert_hint(&error, "OVMF_CODE_4M.secboot.fd");
}

#[tokio::test]
async fn a_file_that_is_no_store_of_variables_is_refused() {
    let site = Site::new().await;
    let url = site.server.url("x.efi");
    let error_of = async |name: &str| {
        let machine = machine(Firmware::Uefi).firmware_variables(site.path().join(name));
        let error = machine.build().unwrap().boot_by_http(&url, &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::UnusableVariables { .. }), "{error}");
        error
    };
    site.write("text", "no store");
    assert_hint(&error_of("text").await, "give the variables that belong to the firmware's code");

    // One deleted variable takes almost all room. The firmware's own file is new.
    let mut full = fs::read(NO_KEYS).unwrap();
    let room = u32::from_le_bytes(full[0x58..0x5c].try_into().unwrap());
    full[0x64..0x68].copy_from_slice(&[0xaa, 0x55, 0x3d, 0]);
    full[0x64 + 36..0x64 + 40].copy_from_slice(&2_u32.to_le_bytes());
    full[0x64 + 40..0x64 + 44].copy_from_slice(&(room - 200).to_le_bytes());
    site.write("full", full);
    assert_hint(&error_of("full").await, "give a new copy of the firmware's initial variables");
}

#[tokio::test]
async fn the_lines_of_a_program_say_why_it_started_no_kernel() {
    let site = Site::new().await;
    fs::copy("/usr/lib/ipxe/ipxe.efi", site.path().join("ipxe.efi")).unwrap();
    // QEMU's DHCP server names no script.
    let report = boot(&site, machine(Firmware::Uefi).expect("NETBOOT-NEVER"), "ipxe.efi").await;
    assert_eq!(report.reached, BootStage::Program, "{report}");
    let error = report.ensure_success().unwrap_err();
    assert_hint(&error, "read the lines of the program on the console");
    assert!(report.console.contains("Nothing to boot: "), "{}", report.console);
}
