//! UKIs that somebody changed: the check of an image refuses them, and names the section.

use std::fs;
use std::sync::{Arc, Mutex};

use netboot_core::{
    Architecture, Artifact, ArtifactKind, ArtifactReader, BackendError, BytesArtifact,
    CancellationToken, Context, Error as CoreError, ErrorClass, Event, FileName, Image, Phase,
    Sha256Digest, async_trait,
};
use netboot_testbed::Testbed;
use netboot_uki::{Error, PeProblem, UkiFile, UkiSettings, check_image_uki};

use crate::image_uki::{image, image_of, section, signing, with_uki, x64};
use crate::workshop::{INITRDS, Workshop, artifact, db, stub};

/// The bytes of the unsigned UKI of an image.
async fn made(image: &Image) -> Vec<u8> {
    let workshop = Workshop::new();
    let settings = UkiSettings::new().stub(x64());
    settings.make(image.clone(), workshop.path("."), &Context::new()).await.unwrap();
    fs::read(workshop.path("worker.efi")).unwrap()
}

/// Checks an image with a UKI of these bytes, which are in no file.
async fn check(image: &Image, bytes: Vec<u8>) -> Result<UkiFile, Error> {
    let Ok(uki) = BytesArtifact::new(ArtifactKind::Uki, file_name(), bytes);
    let image = image.clone().with_uki(uki).unwrap();
    check_image_uki(&image, &[], &Context::new()).await.map(Option::unwrap)
}

fn file_name() -> FileName {
    FileName::new("worker.efi").unwrap()
}

/// The position of the entry with this name in the table of sections.
fn entry(bytes: &[u8], name: &str) -> usize {
    let mut field = [0; 8];
    field[..name.len()].copy_from_slice(name.as_bytes());
    bytes.windows(8).position(|it| it == field).unwrap()
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// A copy whose section has another name.
fn renamed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (mut copy, at) = (bytes.to_vec(), entry(bytes, from));
    copy[at..at + 8].fill(0);
    copy[at..at + to.len()].copy_from_slice(to.as_bytes());
    copy
}

/// A copy with one byte altered in a section.
fn altered(bytes: &[u8], name: &str, position: usize) -> Vec<u8> {
    let start = number(bytes, entry(bytes, name) + 20);
    let mut copy = bytes.to_vec();
    copy[start + position] ^= 1;
    copy
}

#[tokio::test]
async fn sections_that_no_uki_of_ours_has_are_refused() {
    let image = image(&["quiet"]);
    let bytes = made(&image).await;
    check(&image, bytes.clone()).await.unwrap();
    for name in [
        ".ucode", ".dtb", ".dtbauto", ".efifw", ".hwids", ".profile", ".splash", ".pcrsig",
        ".pcrpkey", ".later",
    ] {
        let error = check(&image, renamed(&bytes, ".reloc", name)).await.unwrap_err();
        assert_eq!(section(&error), name, "{error}");
    }
    // Such a stub becomes no UKI either.
    let stub = renamed(&fs::read(stub("linuxx64.efi.stub")).unwrap(), ".reloc", ".hwids");
    let settings = UkiSettings::new().stub(netboot_uki::Stub::parse("stub", stub).unwrap());
    let workshop = Workshop::new();
    match settings.make(image, workshop.path("."), &Context::new()).await.unwrap_err() {
        Error::Stub { problem: PeProblem::ForeignSection { section }, .. } => {
            assert_eq!(section, ".hwids");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_section_is_compared_with_what_we_write() {
    let kernel = fs::read(Testbed::locate().kernel()).unwrap();
    let image = image_of(Architecture::X86_64, &kernel, INITRDS, &["quiet"], false);
    let bytes = made(&image).await;
    check(&image, bytes.clone()).await.unwrap();
    let magic = "#### LoaderInfo: ".len();
    for (name, position) in
        [(".sdmagic", magic), (".osrel", 6), (".cmdline", 7), (".uname", 0), (".linux", 90_000)]
    {
        let error = check(&image, altered(&bytes, name, position)).await.unwrap_err();
        assert_eq!(section(&error), name, "{error}");
    }
    // The second initrd, and the zeros before it.
    for position in [5, 8] {
        let error = check(&image, altered(&bytes, ".initrd", position)).await.unwrap_err();
        assert_eq!(section(&error), ".initrd", "{error}");
    }
    // A section that is not there, and one with a byte more.
    for name in [".sdmagic", ".osrel", ".uname", ".initrd"] {
        let error = check(&image, renamed(&bytes, name, ".rdata")).await.unwrap_err();
        assert_eq!(section(&error), name, "{error}");
    }
    let mut longer = bytes.clone();
    longer[entry(&bytes, ".osrel") + 8] += 1;
    let error = check(&image, longer).await.unwrap_err();
    assert_eq!(section(&error), ".osrel", "{error}");
}

/// A UKI with the size and the digest of others, whose reader never ends.
#[derive(Debug)]
struct Endless(FileName);

#[async_trait]
impl Artifact for Endless {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Uki
    }

    fn file_name(&self) -> &FileName {
        &self.0
    }

    fn size(&self) -> u64 {
        10
    }

    fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&[0; 10])
    }

    async fn open(&self) -> Result<ArtifactReader, CoreError> {
        Ok(Box::pin(tokio::io::repeat(0)))
    }
}

#[tokio::test]
async fn a_uki_that_is_no_file_is_named_by_its_own_name_and_read_to_its_size() {
    let error = check(&image(&[]), b"no program at all".to_vec()).await.unwrap_err();
    assert!(error.to_string().starts_with("`worker.efi` cannot be used"), "{error}");
    let image = image(&[]).with_uki(Endless(file_name())).unwrap();
    match check_image_uki(&image, &[], &Context::new()).await.unwrap_err() {
        Error::Program { path, problem: PeProblem::Changed } => {
            assert_eq!(path.to_str(), Some("worker.efi"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_changed_is_not_said_to_be_of_another_image() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let image = image(&["quiet"]);
    let path = workshop.file("worker.efi", made(&image).await);
    let (image, bytes) = (with_uki(&image, &path).await, fs::read(&path).unwrap());
    let other = made(&crate::image_uki::image(&["debug"])).await;
    assert_eq!(other.len(), bytes.len());
    let longer = [&bytes[..], b"more"].concat();
    let magic = altered(&bytes, ".sdmagic", 0);
    for changed in [other, bytes[..bytes.len() - 9].to_vec(), longer, magic, b"MZ".to_vec()] {
        fs::write(&path, changed).unwrap();
        let error = check_image_uki(&image, &[], &context).await.unwrap_err();
        let is_changed = matches!(error, Error::Core(CoreError::ArtifactChanged { .. }));
        assert!(is_changed, "{error:?}");
    }
}

#[tokio::test]
async fn a_check_reports_its_progress_and_ends_when_it_is_cancelled() {
    let workshop = Workshop::new();
    let kernel = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let large = vec![7; 9 << 20];
    let image = image_of(Architecture::X86_64, &kernel, [b"first", &large], &[], false);
    let image = signing().make(image, workshop.path("."), &Context::new()).await.unwrap();
    let size = image.uki().unwrap().size();
    let spooled = {
        let bytes = artifact(
            ArtifactKind::Uki,
            "worker.efi",
            &fs::read(workshop.path("worker.efi")).unwrap(),
        );
        image.clone().with_uki(bytes).unwrap()
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let context = Context::new().with_events(move |event: Event| sink.lock().unwrap().push(event));
    check_image_uki(&image, &[db()], &context).await.unwrap();
    let progress: Vec<_> = std::mem::take(&mut *seen.lock().unwrap())
        .into_iter()
        .filter_map(|event| match event {
            Event::Progress { phase: Phase::Verifying, profile, subject, done, total, .. } => {
                assert_eq!((subject.as_str(), total), ("worker.efi", Some(2 * size)));
                assert_eq!(profile.unwrap().as_str(), "worker");
                Some(done)
            }
            _ => None,
        })
        .collect();
    assert!(progress.len() > 1 && progress.is_sorted() && progress[0] < size, "{progress:?}");

    for image in [image, spooled] {
        let token = CancellationToken::new();
        let context = Context::new().with_cancellation(token.clone());
        let context = context.with_events(move |event: Event| {
            if matches!(event, Event::Progress { .. }) {
                token.cancel();
            }
        });
        let error = check_image_uki(&image, &[], &context).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Cancelled, "{error:?}");
    }
}

#[tokio::test]
async fn a_uki_of_another_image_is_made_again_as_the_hint_says() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let path = workshop.file("worker.efi", made(&image(&["debug"])).await);
    let stale = with_uki(&image(&["quiet"]), &path).await;
    let error = check_image_uki(&stale, &[], &context).await.unwrap_err();
    assert_eq!(section(&error), ".cmdline");
    assert!(error.hint().unwrap().starts_with("remove the UKI, and make it again from this image"));
    fs::remove_file(&path).unwrap();
    let again = signing().make(stale, workshop.path("."), &context).await.unwrap();
    check_image_uki(&again, &[db()], &context).await.unwrap().unwrap();
}
