//! Systems that stop and wait for a person. The `init` of a real machine prints the words of
//! systemd if a part of the image is missing, and comes up if the part is there.

use super::kernels::{SERIAL, System, expecting};
use super::{assert_boots, assert_hint, failure};

const EMERGENCY: &str = "You are in emergency mode. After logging in, type \"journalctl -xb\"";

/// An `init` that says `words` unless the condition of the shell holds.
fn init(condition: &str, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|words| format!("echo '{words}'")).collect();
    format!(
        "#!/bin/busybox sh\nbusybox mount -t proc proc /proc\nbusybox mkdir /mnt\n\
         if {condition}; then echo NETBOOT-HERE; else\n{}\nfi\nbusybox sleep 600\n",
        words.join("\n")
    )
}

async fn stops(system: &System, hint: &str) {
    let (_, error) = failure(expecting(), &system.url).await;
    assert_hint(&error, hint);
}

#[tokio::test]
async fn a_file_system_of_a_type_that_the_kernel_has_is_mounted() {
    let mounts = |kind: &str| {
        let condition = format!("busybox mount -t {kind} none /mnt");
        init(&condition, &["[FAILED] Failed to mount sysroot.mount - /sysroot.", EMERGENCY])
    };
    let system = System::new(&mounts("nosuchfs"), SERIAL).await;
    stops(&system, "stage 1 could not mount one of them, because its type").await;
    system.set_init(&mounts("tmpfs"));
    assert_boots(expecting(), &system.url).await;
}

#[tokio::test]
async fn a_system_whose_units_start_comes_up() {
    let needs = |program: &str| {
        let failed = "[FAILED] Failed to start important.service.";
        init(&format!("busybox {program}"), &[failed, EMERGENCY])
    };
    let system = System::new(&needs("false"), SERIAL).await;
    stops(&system, "read the lines with `Failed` and `Dependency failed` above").await;
    system.set_init(&needs("true"));
    assert_boots(expecting(), &system.url).await;
}

#[tokio::test]
async fn a_store_with_its_registration_is_registered() {
    let registers = |file: &str| {
        let failed = "[FAILED] Failed to start register-nix-paths.service.";
        init(&format!("busybox test -e {file}"), &[failed])
    };
    let system = System::new(&registers("/nix-path-registration"), SERIAL).await;
    stops(&system, "build the image again with NixOS's netboot module").await;
    // An image with the file.
    system.set_init(&registers("/init"));
    assert_boots(expecting(), &system.url).await;
}

#[tokio::test]
async fn a_shell_without_a_password_and_an_allowed_emergency_mode_go_on() {
    let locked = "Cannot open access to console, the root account is locked.";
    let forced = "busybox grep -q SYSTEMD_SULOGIN_FORCE=1 /proc/cmdline";
    let system = System::new(&init(forced, &[locked]), SERIAL).await;
    let parameter = "systemd.setenv=SYSTEMD_SULOGIN_FORCE=1";
    stops(&system, &format!("boot with `{parameter}`")).await;
    system.set_command_line(&format!("{SERIAL} {parameter}"));
    assert_boots(expecting(), &system.url).await;

    system.set_init(&init("false", &[EMERGENCY, "NETBOOT-HERE"]));
    stops(&system, "if the image is meant to, call allow_emergency_mode").await;
    assert_boots(expecting().allow_emergency_mode(), &system.url).await;
}
