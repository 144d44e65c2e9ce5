//! `netboot boot` with Secure Boot: the firmware fetches the UKI of an image.

use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use netboot_core::{
    ArtifactKind, BytesArtifact, Context, FileArtifact, InitPath, KernelCommandLine,
    KernelParameter,
};
use netboot_ipxe::Renderer;
use netboot_publish::contract;
use netboot_testbed::{DebianTree, PATIENCE, Testbed, cpio};
use netboot_uki::{SecureBootVariable, Stub, TestKeys, Uki, sign};
use serde_json::Value;

use crate::boot;
use crate::place::Place;

const INIT: &str = "#!/bin/busybox sh
busybox mkdir -p /sys
busybox mount -t sysfs sysfs /sys
echo \"NETBOOT-UP pcr4 $(busybox cat /sys/class/tpm/tpm0/pcr-sha256/4)\"
busybox sleep 600
";

/// Writes a UKI that nobody signed, and one that the key of `keys/db.crt` signed.
async fn write_ukis(place: &Place) {
    let (testbed, context) = (Testbed::locate(), Context::new());
    let kernel = FileArtifact::open(ArtifactKind::Kernel, "bzImage", testbed.kernel(), &context);
    let busybox = fs::read(testbed.busybox()).unwrap();
    let files = [("init", INIT.as_bytes()), ("bin/busybox", &busybox)];
    let initrd = BytesArtifact::new(ArtifactKind::Initrd, "initrd", cpio(&files)).unwrap();
    let init: InitPath = "/init".parse().unwrap();
    let parameters = ["console=ttyS0", "no_timer_check", "panic=-1"];
    let parameters = parameters.map(|it| it.parse::<KernelParameter>().unwrap());
    let stub = DebianTree::systemd_efi("linuxx64.efi.stub");
    let line = KernelCommandLine::new(&init, &parameters).unwrap();
    let uki = Uki::builder(Stub::read(stub).unwrap(), Arc::new(kernel.await.unwrap()), &line)
        .initrd(Arc::new(initrd))
        .build()
        .await
        .unwrap();
    uki.write(place.path("unsigned.efi"), &context).await.unwrap();
    let keys = TestKeys::generate("netboot tests", SystemTime::now()).unwrap();
    fs::create_dir(place.path("keys")).unwrap();
    keys.write(place.path("keys"), &context).await.unwrap();
    let db = keys.signer(SecureBootVariable::Signatures).unwrap();
    sign(place.path("unsigned.efi"), place.path("signed.efi"), &db, &context).await.unwrap();
}

/// Publishes an image with the UKI of the file.
async fn publish(place: &Place, uki: &str) {
    let context = Context::new();
    let uki =
        FileArtifact::open(ArtifactKind::Uki, "control-plane.efi", place.path(uki), &context).await;
    let image = contract::sample_image("control-plane", "one").with_uki(uki.unwrap()).unwrap();
    let release = Renderer::builder().build().unwrap().render_release([image]).unwrap();
    place.publisher().await.publish(&release, &context).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firmware_boots_the_uki_that_its_key_signed_and_says_what_it_refused() {
    let place = Place::directory();
    write_ukis(&place).await;
    publish(&place, "signed.efi").await;
    let (target, seconds) = (place.target(), PATIENCE.as_secs().to_string());
    let options = ["--architecture", "x86_64", "--secure-boot-keys", "keys"];
    let options = [&options[..], &["--expect", "NETBOOT-UP", "--timeout", &seconds]].concat();
    let boot = [&["boot", &target, "--tpm", "--json"], &options[..]].concat();
    let object = place.succeeds(&boot).json();
    assert_eq!(object["firmware"], "uefi-secure-boot", "{object}");
    assert_eq!(object["locked_down"], true, "{object}");
    assert_eq!(object["refusals"], Value::Array(Vec::new()), "{object}");
    assert!(object["url"].as_str().unwrap().ends_with("/control-plane.efi"), "{object}");
    // Firmware and stub measured what they started.
    let console = object["console"].as_str().unwrap();
    let register = console.lines().find_map(|line| line.strip_prefix("NETBOOT-UP pcr4 "));
    assert!(register.unwrap().bytes().any(|digit| digit != b'0'), "{console}");

    // The folder of an image that is not published.
    fs::create_dir(place.path("worker")).unwrap();
    fs::copy(place.path("unsigned.efi"), place.path("worker/worker.efi")).unwrap();
    let said = place.run(&[&["boot", "./worker"], &options[..]].concat());
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.stdout.contains("refused by the firmware: "), "{said:#?}");
    assert!(said.stderr.contains("what to do: sign the program with a key"), "{said:#?}");
}

#[tokio::test]
async fn what_cannot_boot_with_secure_boot_is_refused_before_a_machine_starts() {
    let place = Place::directory();
    let (context, target) = (Context::new(), place.target());
    place.publisher().await.publish(&boot::release("one"), &context).await.unwrap();
    let boot = ["boot", &target, "--secure-boot-keys", "keys"];
    fs::create_dir(place.path("keys")).unwrap();
    let said = place.misuses(&boot);
    assert!(said.contains("has neither `db.esl` nor `db.crt`"), "{said}");
    let keys = TestKeys::generate("netboot tests", SystemTime::now()).unwrap();
    let db = keys.certificate(SecureBootVariable::Signatures);
    fs::write(place.path("keys/db.crt"), db.as_der()).unwrap();
    let said = place.fails(&boot);
    assert!(said.contains("the image of `worker` has no UKI"), "{said}");
    let said = place.misuses(&[&boot[..], &["--firmware", "bios"]].concat());
    assert!(said.contains("what to do: leave out `--firmware bios`, or `--secure-boot"), "{said}");
    let said = place.misuses(&["boot", &target, "--uki", "--firmware", "bios"]);
    assert!(said.contains("`--uki` needs UEFI"), "{said}");
    let said = place.misuses(&["boot", &target, "--uki", "--ipxe", "ipxe.efi"]);
    assert!(said.contains("cannot be used with"), "{said}");
    let said = place.fails(&["boot", "./keys", "--uki"]);
    assert!(said.contains("has no live release, and no keys/keys.efi or keys.efi"), "{said}");

    // Nothing is sent with keys that cannot be used.
    crate::image::write(&place.path("worker"), "quiet");
    let publish = ["publish", "worker", "--to", "./pxe", "--prove"];
    let said = place.misuses(&[&publish[..], &["--secure-boot-keys", "worker"]].concat());
    assert!(said.contains("has neither `db.esl` nor `db.crt`"), "{said}");
    assert!(!place.path("pxe").exists());
    let said = place.fails(&[&publish[..], &["--secure-boot-keys", "keys"]].concat());
    assert!(said.contains("has no UKI"), "{said}");
    fs::write(place.path("netboot.toml"), "[proof]\nsecure-boot-keys = \"keys\"\n").unwrap();
    let said = place.fails(&publish);
    assert!(said.contains("has no UKI"), "{said}");
}
