//! Programs that no firmware should get: too large ones, and stubs that are none.

use std::fs::{self, File};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netboot_core::{
    Artifact, ArtifactKind, ArtifactReader, BackendError, CancellationToken, Context, ErrorClass,
    FileName, Sha256Digest, async_trait,
};
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

/// Sections that are added would begin where firmware does not look for them.
#[test]
fn a_stub_whose_end_is_not_aligned_is_refused() {
    let mut bytes = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let last = EfiProgram::parse("stub", &bytes).unwrap().sections().last().unwrap().name.clone();
    let mut name = [0; 8];
    set(&mut name, 0, last.as_bytes());
    let field = entry(&bytes, name) + 16;
    let stored = u32::from_le_bytes(bytes[field..field + 4].try_into().unwrap());
    set(&mut bytes, field, &(stored - 8).to_le_bytes());
    bytes.truncate(bytes.len() - 8);
    match Stub::parse("stub", bytes) {
        Err(Error::Stub { problem, .. }) => assert_eq!(problem, PeProblem::UnalignedEnd),
        other => panic!("{other:?}"),
    }
}

/// Firmware refuses it too.
#[tokio::test]
async fn a_signature_without_its_padding_is_refused() {
    let workshop = Workshop::new();
    let mut bytes = fs::read(workshop.signed().await).unwrap();
    let field = 0x40 + 24 + 112 + 32;
    let read = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (start, size) = (read(field) as usize, read(field + 4));
    let used = read(start);
    assert!(used % 8 != 0 && used < size);
    bytes.truncate(start + used as usize);
    set(&mut bytes, field + 4, &used.to_le_bytes());
    match EfiProgram::parse("cut.efi", &bytes) {
        Err(Error::Program { problem, .. }) => assert_eq!(problem, PeProblem::SignatureTable),
        other => panic!("{other:?}"),
    }
}

/// Firmware loads all bytes of a section that states no size in memory.
#[tokio::test]
async fn a_section_without_a_size_in_memory_has_the_one_in_the_file() {
    let workshop = Workshop::new();
    let mut bytes = fs::read(workshop.small().await).unwrap();
    let uname = entry(&bytes, *b".uname\0\0");
    set(&mut bytes, uname + 8, &[0; 4]);
    let program = EfiProgram::parse("small.efi", &bytes).unwrap();
    let section = program.section(".uname").unwrap();
    let stored = u32::from_le_bytes(bytes[uname + 16..uname + 20].try_into().unwrap());
    assert_eq!((section.size, section.memory_size), (stored, stored));
}

/// systemd's stub takes such a section for one that is not there, and then takes the command line
/// of the firmware.
#[tokio::test]
async fn a_section_of_a_uki_that_its_stub_does_not_see_is_refused() {
    let workshop = Workshop::new();
    let bytes = fs::read(workshop.small().await).unwrap();
    UkiFile::parse("small.efi", &bytes).unwrap();
    for name in [".cmdline", ".initrd\0", ".linux\0\0"] {
        let mut hidden = bytes.clone();
        let at = entry(&bytes, name.as_bytes().try_into().unwrap());
        set(&mut hidden, at + 8, &[0; 4]);
        match UkiFile::parse("small.efi", &hidden) {
            Err(Error::Program { problem: PeProblem::NoMemorySize { section }, .. }) => {
                assert_eq!(section, name.trim_end_matches('\0'));
            }
            other => panic!("{other:?}"),
        }
    }
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

/// An initrd that is larger than it first says.
#[derive(Debug)]
struct Grown {
    bytes: Arc<dyn Artifact>,
    has_grown: AtomicBool,
}

#[async_trait]
impl Artifact for Grown {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Initrd
    }

    fn file_name(&self) -> &FileName {
        self.bytes.file_name()
    }

    fn size(&self) -> u64 {
        if self.has_grown.load(Ordering::SeqCst) { self.bytes.size() } else { 1 }
    }

    fn sha256(&self) -> Sha256Digest {
        self.bytes.sha256()
    }

    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        self.bytes.open().await
    }
}

#[tokio::test]
async fn an_initrd_that_tells_another_size_later_becomes_no_uki() {
    let (workshop, path) = (Workshop::new(), stub("linuxx64.efi.stub"));
    let kernel = artifact(ArtifactKind::Kernel, "bzImage", &fs::read(&path).unwrap());
    let bytes = artifact(ArtifactKind::Initrd, "initrd", &[7; 10_000]);
    let grown = Arc::new(Grown { bytes, has_grown: AtomicBool::new(false) });
    let builder = Uki::builder(Stub::read(path).unwrap(), kernel, &command_line());
    let uki = builder.initrd(grown.clone()).build().await.unwrap();
    grown.has_grown.store(true, Ordering::SeqCst);
    let error = uki.write(workshop.path("a.efi"), &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::Program { problem: PeProblem::Changed, .. }), "{error:?}");
    assert!(!workshop.path("a.efi").exists());
}
