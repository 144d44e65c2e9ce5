//! `ukify` of systemd makes the same UKIs and addons, and reads ours.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use netboot_core::{ArtifactKind, Context, FileArtifact, KernelParameter};
use netboot_testbed::{DebianTree, Testbed};
use netboot_uki::{Addon, AddonStub, EfiProgram, Stub, Uki, UkiFile};

use crate::programs::ukify;
use crate::workshop::{INITRDS, OS_RELEASE, UNAME, Workshop, command_line, stub, uki};

/// The bytes of a program without its checksum, which ukify does not write, and without the size of
/// the revocation data, which it ends with one more NUL.
fn comparable(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    let start = u32::from_le_bytes(bytes[0x3c..0x40].try_into().unwrap()) as usize;
    bytes[start + 88..start + 92].fill(0);
    let headers = bytes[..0x400].windows(8);
    let name: Vec<usize> =
        headers.enumerate().filter(|(_, it)| it == b".sbat\0\0\0").map(|it| it.0).collect();
    bytes[name[0] + 8] &= 0xfc;
    bytes
}

/// The revocation data that ukify would otherwise add to the stub's own.
const NO_SBAT: &str = "--sbat=sbat,1,none";

/// Makes a UKI of the same parts by ukify and by us, and compares the bytes.
async fn compare(kernel: &Path, stub_name: &str, architecture: &str) {
    let workshop = Workshop::new();
    let stub = stub(stub_name);
    let ours = workshop.path("ours.efi");
    let digest = uki(kernel, &stub).await.unwrap().write(&ours, &Context::new()).await.unwrap();

    let theirs = workshop.path("theirs.efi");
    let [first, second] = [0, 1].map(|index| {
        let path = workshop.file(&format!("initrd-{index}"), INITRDS[index]);
        format!("--initrd={}", path.display())
    });
    let os_release = workshop.file("os-release", OS_RELEASE);
    ukify(&[
        "build".into(),
        format!("--linux={}", kernel.display()),
        first,
        second,
        format!("--cmdline={}", command_line()),
        format!("--os-release=@{}", os_release.display()),
        format!("--uname={UNAME}"),
        format!("--stub={}", stub.display()),
        format!("--efi-arch={architecture}"),
        NO_SBAT.into(),
        format!("--output={}", theirs.display()),
    ]);
    assert!(comparable(&ours) == comparable(&theirs), "the bytes differ");
    let (ours, theirs) = (UkiFile::open(&ours).unwrap(), UkiFile::open(&theirs).unwrap());
    let parts = |uki: &UkiFile| {
        let sections = uki.program().sections().iter();
        sections.filter(|section| section.name != ".sbat").cloned().collect::<Vec<_>>()
    };
    assert_eq!(parts(&ours), parts(&theirs));
    assert_eq!(ours.program().sha256(), digest);
    assert!(ours.program().has_right_checksum() && !theirs.program().has_right_checksum());
    assert_eq!(theirs.command_line().unwrap().as_str(), command_line().to_string());
    assert_eq!(theirs.os_release().unwrap().as_str(), OS_RELEASE.trim_end());
    assert_eq!(theirs.uname().unwrap().as_str(), UNAME);
}

#[tokio::test]
async fn a_uki_for_x86_has_the_bytes_that_ukify_writes() {
    compare(Testbed::locate().kernel(), "linuxx64.efi.stub", "x64").await;
}

#[tokio::test]
async fn a_uki_for_arm_has_the_bytes_that_ukify_writes() {
    compare(&DebianTree::ARM64_LINUX.kernel(), "linuxaa64.efi.stub", "aa64").await;
}

/// ukify searches the whole kernel for its version, because an `Image` has no header with it.
#[tokio::test]
async fn a_uki_for_arm_has_the_version_that_ukify_finds_in_the_kernel() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let (kernel, stub) = (DebianTree::ARM64_LINUX.kernel(), stub("linuxaa64.efi.stub"));
    let theirs = workshop.path("theirs.efi");
    ukify(&[
        "build".into(),
        format!("--linux={}", kernel.display()),
        format!("--initrd={}", workshop.file("initrd", "x").display()),
        format!("--stub={}", stub.display()),
        "--cmdline=quiet".into(),
        "--efi-arch=aa64".into(),
        format!("--output={}", theirs.display()),
    ]);
    let kernel = FileArtifact::open(ArtifactKind::Kernel, "Image", kernel, &context).await.unwrap();
    let builder = Uki::builder(Stub::read(stub).unwrap(), Arc::new(kernel), &command_line());
    let ours = workshop.path("ours.efi");
    builder.build().await.unwrap().write(&ours, &context).await.unwrap();
    let uname = |path| UkiFile::open(path).unwrap().uname().unwrap().as_str().to_owned();
    assert_eq!(uname(ours), uname(theirs));
}

#[tokio::test]
async fn other_programs_read_the_sections() {
    let workshop = Workshop::new();
    let path = workshop.uki().await;
    let inspected = ukify(&["inspect".into(), path.display().to_string()]);
    for text in [".linux:", ".initrd:", UNAME, &command_line().to_string()] {
        assert!(inspected.contains(text), "{inspected}");
    }
    let program = EfiProgram::open(&path).unwrap();
    let sections: Vec<&str> = program.sections().iter().map(|it| it.name.as_str()).collect();
    assert!(sections.ends_with(&[".osrel", ".cmdline", ".uname", ".linux", ".initrd"]));
    let initrd = program.section(".initrd").unwrap();
    let bytes = fs::read(&path).unwrap();
    let start = initrd.offset as usize;
    assert_eq!(&bytes[start..start + initrd.size as usize], b"first\0\0\0the second\0\0");
}

#[tokio::test]
async fn an_addon_has_the_bytes_that_ukify_writes() {
    for (name, architecture) in [("addonx64.efi.stub", "x64"), ("addonaa64.efi.stub", "aa64")] {
        let workshop = Workshop::new();
        let parameters = ["systemd.hostname=node17", "quiet"];
        let parameters = parameters.map(|it| it.parse::<KernelParameter>().unwrap());
        let stub = stub(name);
        let addon = Addon::new(AddonStub::read(&stub).unwrap(), &parameters, Some(UNAME)).unwrap();
        let (ours, theirs) = (workshop.path("ours.efi"), workshop.path("theirs.efi"));
        let digest = addon.write(&ours, &Context::new()).await.unwrap();
        ukify(&[
            "build".into(),
            "--cmdline=systemd.hostname=node17 quiet".into(),
            format!("--uname={UNAME}"),
            format!("--stub={}", stub.display()),
            format!("--efi-arch={architecture}"),
            format!("--output={}", theirs.display()),
        ]);
        assert!(comparable(&ours) == comparable(&theirs), "{name}");
        let program = EfiProgram::open(&ours).unwrap();
        assert_eq!((program.sha256(), program.architecture()), (digest, addon.architecture()));
    }
}
