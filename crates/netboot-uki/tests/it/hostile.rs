//! Programs that are damaged, or made to harm: typed errors, and never an accepted signature.

use std::fs;
use std::sync::LazyLock;

use netboot_core::{ArtifactKind, Context, KernelParameter};
use netboot_uki::{
    Addon, AddonStub, EfiProgram, Error, PeProblem, SignatureProblem, Stub, Uki, UkiFile, sign,
};
use proptest::prelude::*;

use crate::workshop::{Workshop, artifact, command_line, db, db_signer, stub, uki};

/// A small signed UKI.
static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    // A test may have a runtime, in which another one cannot be waited for.
    let made = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let workshop = Workshop::new();
        fs::read(runtime.block_on(workshop.signed())).unwrap()
    });
    made.join().unwrap()
});

/// The position of the entry of a section in the table of sections.
fn entry(bytes: &[u8], name: &str) -> usize {
    let start = u32::from_le_bytes(bytes[0x3c..0x40].try_into().unwrap()) as usize;
    let optional = u16::from_le_bytes(bytes[start + 20..start + 22].try_into().unwrap());
    let table = start + 24 + usize::from(optional);
    let named = |at: &usize| bytes[*at..].starts_with(name.as_bytes());
    (table..).step_by(40).find(named).unwrap()
}

fn problem(bytes: &[u8]) -> PeProblem {
    match UkiFile::parse("changed.efi", bytes) {
        Err(Error::Program { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// A copy of the signed UKI with these bytes at this position.
fn with(position: usize, bytes: &[u8]) -> Vec<u8> {
    let mut copy = SIGNED.clone();
    copy[position..position + bytes.len()].copy_from_slice(bytes);
    copy
}

#[test]
fn each_fault_is_named() {
    UkiFile::parse("signed.efi", &SIGNED).unwrap();
    let entry = |name| entry(&SIGNED, name);
    let start = 0x40;
    let section = |name: &str| name.to_owned();
    let uname = entry(".uname");
    let mut seventeen = with(start + 20, &[112 + 17 * 8]);
    seventeen[start + 24 + 108] = 17;
    let cases = [
        (with(0, b"ZM"), "does not begin with MZ"),
        (with(0x3c, &[0x44]), "not a multiple of 8"),
        (with(start, b"NE"), "no headers of a 64-bit program"),
        (with(start + 24, &[0x0b, 0x01]), "no headers of a 64-bit program"),
        (with(start + 4, &[0x4c, 0x01]), "another processor (machine type 0x014c)"),
        (with(start + 4, &[0x64, 0xaa]), "its kernel cannot start: it is not for aarch64"),
        (with(start + 6, &[0xff, 0xff]), "table of sections is cut off"),
        (with(start + 24 + 68, &[3]), "another subsystem than UEFI"),
        (seventeen, "number of data directories does not fit"),
        (with(start + 24 + 108, &[15]), "number of data directories does not fit"),
        (with(start + 20, &[0xf8]), "number of data directories does not fit"),
        (with(start + 24 + 36, &[3]), "alignment is no power of two"),
        (with(start + 24 + 60, &[0; 4]), "longer than its headers"),
        (with(start + 24 + 60, &[0, 0, 0x10, 0]), "longer than the file, or than 64 KiB"),
        (with(start + 24 + 60, &[0xff; 4]), "longer than the file, or than 64 KiB"),
        (with(start + 24 + 60, &[1]), "the size of its headers is not aligned"),
        (with(uname, b".osrel"), "the section .osrel twice"),
        (with(uname, b".\xff"), "not printable"),
        (with(uname + 12, &[0; 4]), "section .uname overlaps"),
        (with(uname + 20, &[0; 4]), "section .uname do not follow"),
        (with(uname + 16, &[0xff; 4]), "section .uname lies outside"),
        (with(uname + 8, &[0xff; 4]), "section .uname lies outside"),
        (with(entry(".linux"), b".other"), "no section .linux"),
        (with(start + 24 + 112 + 32, &[1]), "table of signatures is damaged"),
        (with(start + 24 + 112 + 36, &[1]), "table of signatures is damaged"),
        (SIGNED[..SIGNED.len() - 8].to_vec(), "table of signatures is damaged"),
        ([&SIGNED[..], &[0; 8]].concat(), "table of signatures is damaged"),
        (Vec::new(), "does not begin with MZ"),
    ];
    for (bytes, expected) in cases {
        let problem = problem(&bytes).to_string();
        assert!(problem.contains(expected), "{problem} | {expected}");
    }
    let problem = problem(&with(uname, b".osrel"));
    assert_eq!(problem, PeProblem::DuplicateSection { section: section(".osrel") });
}

/// The kernel and the texts of a UKI are checked and bounded too.
#[test]
fn the_content_of_sections_is_checked() {
    let uki = UkiFile::parse("signed.efi", &SIGNED).unwrap();
    let kernel = uki.program().section(".linux").unwrap().offset as usize;
    for (bytes, expected) in
        [(&b"\x1f\x8b"[..], "it is compressed by gzip"), (b"\x7fELF", "it is no EFI program")]
    {
        let problem = problem(&with(kernel, bytes)).to_string();
        assert!(problem.contains(expected), "{problem}");
    }
    let problem = problem(&with(kernel + 0x40 + 24 + 68, &[3])).to_string();
    assert!(problem.contains("cannot start: it is for another subsystem"), "{problem}");
    let line = uki.program().section(".cmdline").unwrap().offset as usize;
    let hostile = UkiFile::parse("signed.efi", &with(line, b"\x1b[2J\n")).unwrap();
    assert!(hostile.command_line_bytes().unwrap().starts_with(b"\x1b[2J\n"));
    let shown = hostile.command_line().unwrap().to_string();
    assert!(!shown.contains(['\x1b', '\n']), "{shown:?}");
}

/// A changed byte is refused wherever it is, except where no digest looks: in the checksum, and
/// in the padding of the signature.
#[tokio::test]
async fn a_changed_byte_is_never_trusted() {
    let workshop = Workshop::new();
    let addon = workshop.file("addon.efi", addon().await);
    let path = workshop.path("signed-addon.efi");
    sign(&addon, &path, &db_signer(), &Context::new()).await.unwrap();
    let signed = fs::read(&path).unwrap();
    let program = EfiProgram::open(&path).unwrap();
    program.verify(&[db()]).unwrap();
    let checksum = 0x40 + 24 + 64;
    let end = fs::read(&addon).unwrap().len();
    let used = u32::from_le_bytes(signed[end..end + 4].try_into().unwrap()) as usize;
    for position in 0..end + used {
        if (checksum..checksum + 4).contains(&position) {
            continue;
        }
        let mut changed = signed.clone();
        changed[position] ^= 1;
        let verified = EfiProgram::parse("changed.efi", &changed)
            .and_then(|program| program.verify(&[db()]).map(drop));
        assert!(verified.is_err(), "byte {position} of {}", signed.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bytes_that_are_cut_and_changed_are_read_or_refused(
        cut in 0.0..1.0_f64,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        in_headers in any::<bool>(),
    ) {
        let mut bytes = SIGNED.clone();
        if cut < 0.5 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss,
                clippy::cast_precision_loss, reason = "it is a position in a small file")]
            bytes.truncate((cut * 2.0 * bytes.len() as f64) as usize);
        }
        let range = if in_headers { bytes.len().min(0x600) } else { bytes.len() };
        for (index, byte) in changes {
            if range > 0 {
                bytes[index.index(range)] = byte;
            }
        }
        let _ = UkiFile::parse("changed.efi", &bytes);
        let program = EfiProgram::parse("changed.efi", &bytes);
        if program.is_ok_and(|program| program.verify(&[db()]).is_ok()) {
            // The checksum may differ.
            let checksum = 0x40 + 24 + 64;
            bytes[checksum..checksum + 4].copy_from_slice(&SIGNED[checksum..checksum + 4]);
            prop_assert!(bytes == *SIGNED);
        }
    }
}

#[tokio::test]
async fn stubs_and_kernels_that_cannot_boot_are_refused() {
    let real = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let problem = |bytes: Vec<u8>| match Stub::parse("stub", bytes) {
        Err(Error::Stub { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    let expected = "systemd-stub";
    let addon = fs::read(stub("addonx64.efi.stub")).unwrap();
    assert_eq!(problem(addon), PeProblem::ForeignStub { expected });
    let loader = fs::read(stub("systemd-bootx64.efi")).unwrap();
    assert_eq!(problem(loader), PeProblem::ForeignStub { expected });
    assert_eq!(problem([&real[..], &[0; 8]].concat()), PeProblem::BytesBehind);
    assert!(AddonStub::read(stub("linuxx64.efi.stub")).is_err());

    // A stub that is signed already.
    let (workshop, context) = (Workshop::new(), Context::new());
    let signed = workshop.path("signed-stub");
    sign(stub("linuxx64.efi.stub"), &signed, &db_signer(), &context).await.unwrap();
    assert_eq!(problem(fs::read(signed).unwrap()), PeProblem::BytesBehind);

    // A kernel for another processor, and files that are no kernel.
    let x64 = stub("linuxx64.efi.stub");
    let error = uki(&stub("systemd-bootaa64.efi"), &x64).await.unwrap_err();
    assert!(error.to_string().contains("its kernel cannot start: it is not for x86_64"), "{error}");
    for bytes in [&b"\x1f\x8b\x08"[..], b"<html>", b"MZ"] {
        let kernel = artifact(ArtifactKind::Kernel, "Image", bytes);
        let error = Uki::builder(Stub::read(&x64).unwrap(), kernel, &command_line())
            .build()
            .await
            .unwrap_err();
        let Error::Program { problem: PeProblem::Kernel { .. }, .. } = error else {
            panic!("{error:?}")
        };
    }

    // The headers have room for a few sections only.
    let mut full = real.clone();
    let header_size = 0x40 + 24 + 60;
    full[header_size..header_size + 4].copy_from_slice(&0x238_u32.to_le_bytes());
    assert!(Stub::parse("stub", full).is_err());
}

#[tokio::test]
async fn texts_that_cannot_stand_in_a_uki_are_refused() {
    let x64 = stub("linuxx64.efi.stub");
    let kernel = || artifact(ArtifactKind::Kernel, "bzImage", &fs::read(&x64).unwrap());
    let builder = || Uki::builder(Stub::read(&x64).unwrap(), kernel(), &command_line());
    for (builder, expected) in [
        (builder().os_release(""), ".osrel cannot be used: it is empty"),
        (builder().os_release("ID=a\0"), ".osrel cannot be used: it has a control character"),
        (builder().os_release("x".repeat(70_000)), ".osrel cannot be used: it has more than"),
        (builder().uname("6.12\n"), ".uname cannot be used: it has a control character"),
    ] {
        let error = builder.build().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let addon = || AddonStub::read(stub("addonx64.efi.stub")).unwrap();
    let long: KernelParameter = "x".repeat(1000).parse().unwrap();
    assert!(Addon::new(addon(), [], None).is_err());
    assert!(Addon::new(addon(), [&long; 3], None).is_err());
    Addon::new(addon(), [&long; 2], None).unwrap();
}

#[tokio::test]
async fn a_file_is_never_replaced_and_never_half_written() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let small = workshop.small().await;
    let before = fs::read(&small).unwrap();
    let x64 = stub("linuxx64.efi.stub");
    let made = uki(&x64, &x64).await.unwrap();
    for error in [
        made.write(&small, &context).await.map(drop).unwrap_err(),
        sign(&small, &small, &db_signer(), &context).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Io { action: "create", .. }), "{error:?}");
    }
    assert!(fs::read(&small).unwrap() == before);

    // An initrd that is shorter than it was.
    let initrd = workshop.file("initrd", "0123456789");
    let kind = ArtifactKind::Initrd;
    let initrd_file = netboot_core::FileArtifact::open(kind, "initrd", &initrd, &context).await;
    let kernel = artifact(ArtifactKind::Kernel, "bzImage", &fs::read(&x64).unwrap());
    let builder = Uki::builder(Stub::read(&x64).unwrap(), kernel, &command_line());
    let made = builder.initrd(std::sync::Arc::new(initrd_file.unwrap())).build().await.unwrap();
    workshop.file("initrd", "01234");
    let torn = workshop.path("torn.efi");
    made.write(&torn, &context).await.unwrap_err();
    assert!(!torn.exists());
    let names = fs::read_dir(workshop.path(".")).unwrap().count();
    assert_eq!(names, 2, "only small.efi and initrd are there");
}

/// An addon, without a signature.
async fn addon() -> Vec<u8> {
    let workshop = Workshop::new();
    let quiet: KernelParameter = "quiet".parse().unwrap();
    let stub = AddonStub::read(stub("addonx64.efi.stub")).unwrap();
    let path = workshop.path("addon.efi");
    Addon::new(stub, [&quiet], None).unwrap().write(&path, &Context::new()).await.unwrap();
    fs::read(path).unwrap()
}

/// The signature of the small UKI behind an addon, whose table begins elsewhere.
#[tokio::test]
async fn a_signature_of_another_program_is_refused() {
    let addon = addon().await;
    let at = 0x40 + 24 + 112 + 32;
    let field = |at: usize| u32::from_le_bytes(SIGNED[at..at + 4].try_into().unwrap());
    let table = &SIGNED[field(at) as usize..];
    let mut moved = [&addon[..], table].concat();
    moved[at..at + 4].copy_from_slice(&u32::try_from(addon.len()).unwrap().to_le_bytes());
    moved[at + 4..at + 8].copy_from_slice(&SIGNED[at + 4..at + 8]);
    let program = EfiProgram::parse("moved.efi", &moved).unwrap();
    assert_eq!(program.signature_count(), 1);
    match program.verify(&[db()]) {
        Err(Error::Untrusted { problem, .. }) => {
            assert_eq!(problem, SignatureProblem::OtherProgram);
        }
        other => panic!("{other:?}"),
    }
}
