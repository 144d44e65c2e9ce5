//! Programs that no firmware should get: too large ones, and stubs that are none.

use std::fs::{self, File};

use netboot_core::{ArtifactKind, BackendError, CancellationToken, Context, ErrorClass};
use netboot_uki::{AddonStub, EfiProgram, Error, PeProblem, Stub, Uki, UkiFile, sign};

use crate::workshop::{Workshop, artifact, command_line, db_signer, stub};

/// The position of the entry with this name in a table of sections.
fn entry(bytes: &[u8], name: [u8; 8]) -> usize {
    bytes.windows(8).position(|it| it == name).unwrap()
}

fn set(bytes: &mut [u8], position: usize, value: &[u8]) {
    bytes[position..position + value.len()].copy_from_slice(value);
}

/// A file of terabytes may take no space on a disk.
#[tokio::test]
async fn a_file_above_4_gib_is_refused_at_once() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let path = workshop.small().await;
    File::options().write(true).open(&path).unwrap().set_len(8 << 40).unwrap();
    let signed = sign(&path, workshop.path("a.efi"), &db_signer(), &context).await;
    for result in [UkiFile::open(&path).map(drop), EfiProgram::open(&path).map(drop), signed] {
        match result {
            Err(Error::Program { problem, .. }) => assert_eq!(problem, PeProblem::TooLarge),
            other => panic!("{other:?}"),
        }
    }
}

/// The table of signatures is too large, which is seen after the last byte before it.
#[tokio::test]
async fn a_program_is_not_read_after_a_cancellation() {
    let workshop = Workshop::new();
    let mut bytes = fs::read(workshop.small().await).unwrap();
    let (end, size) = (u32::try_from(bytes.len()).unwrap(), 2 << 20);
    set(&mut bytes, 0x40 + 24 + 112 + 32, &end.to_le_bytes());
    set(&mut bytes, 0x40 + 24 + 112 + 36, &u32::to_le_bytes(size));
    bytes.resize(bytes.len() + size as usize, 0);
    let path = workshop.file("large-table.efi", bytes);
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let sign = async || sign(&path, workshop.path("a.efi"), &db_signer(), &context).await;
    let error = sign().await.unwrap_err();
    assert!(matches!(error, Error::Program { problem: PeProblem::SignatureTable, .. }));
    token.cancel();
    assert_eq!(sign().await.unwrap_err().class(), ErrorClass::Cancelled);
}

/// A section without bytes in the file may have any position.
#[test]
fn a_stub_that_names_itself_beyond_its_end_is_refused() {
    let mut bytes = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let last = EfiProgram::parse("stub", &bytes).unwrap().sections().last().unwrap().name.clone();
    let named = entry(&bytes, *b".sdmagic");
    set(&mut bytes, named, b".other\0\0");
    let mut name = [0; 8];
    set(&mut name, 0, last.as_bytes());
    let last = entry(&bytes, name);
    set(&mut bytes, last, b".sdmagic");
    set(&mut bytes, last + 16, &[0; 4]);
    set(&mut bytes, last + 20, &[0xff; 4]);
    let problem = |error| match error {
        Error::Stub { problem, .. } => problem,
        other => panic!("{other:?}"),
    };
    let expected = "systemd-stub";
    let error = Stub::parse("stub", bytes.clone()).unwrap_err();
    assert_eq!(problem(error), PeProblem::ForeignStub { expected });
    let expected = "systemd-addon";
    let error = AddonStub::parse("stub", bytes).unwrap_err();
    assert_eq!(problem(error), PeProblem::ForeignStub { expected });
}

/// A UKI contains a stub, and so looks like one.
#[tokio::test]
async fn a_uki_is_no_stub() {
    let workshop = Workshop::new();
    let small = Stub::read(workshop.small().await).unwrap();
    let kernel = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let kernel = artifact(ArtifactKind::Kernel, "bzImage", &kernel);
    match Uki::builder(small, kernel, &command_line()).build().await {
        Err(Error::Stub { problem: PeProblem::DuplicateSection { section }, .. }) => {
            assert_eq!(section, ".cmdline");
        }
        other => panic!("{other:?}"),
    }
}
