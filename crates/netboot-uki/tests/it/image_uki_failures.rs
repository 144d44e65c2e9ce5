//! The UKIs of images that cannot be made: no signer runs for them, and nothing is left.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use netboot_core::{
    Architecture, Artifact, ArtifactKind, ArtifactReader, BackendError, BootSpec,
    CancellationToken, Context, ErrorClass, Event, FileName, Image, InitPath, Phase, ProfileSpec,
    Sha256Digest, async_trait,
};
use netboot_uki::{Certificate, Error, KeyFile, PeSigner, Stub, UkiSettings};

use crate::image_uki::{INIT, image, signing, x64};
use crate::workshop::{Workshop, artifact, db_signer, stub};

/// A signer that counts its signatures, and cancels the work if it has a token.
#[derive(Debug)]
struct Counting {
    key: KeyFile,
    count: AtomicU32,
    token: Option<CancellationToken>,
}

#[async_trait]
impl PeSigner for Counting {
    fn certificate(&self) -> &Certificate {
        self.key.certificate()
    }

    async fn sign(&self, message: &[u8], _: &Context) -> Result<Vec<u8>, Error> {
        self.count.fetch_add(1, Ordering::SeqCst);
        if let Some(token) = &self.token {
            token.cancel();
        }
        // The signature is there, although the work is cancelled now.
        self.key.sign(message, &Context::new()).await
    }
}

fn counting(token: Option<CancellationToken>) -> Arc<Counting> {
    Arc::new(Counting { key: db_signer(), count: AtomicU32::new(0), token })
}

/// Other bytes of the same size than the digest says, from the second reading on or at once.
#[derive(Debug)]
struct Swapped {
    bytes: Arc<dyn Artifact>,
    other: Arc<dyn Artifact>,
    from_now_on: AtomicBool,
}

#[async_trait]
impl Artifact for Swapped {
    fn kind(&self) -> ArtifactKind {
        self.bytes.kind()
    }

    fn file_name(&self) -> &FileName {
        self.bytes.file_name()
    }

    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn sha256(&self) -> Sha256Digest {
        self.bytes.sha256()
    }

    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        let is_swapped = self.from_now_on.swap(true, Ordering::SeqCst);
        if is_swapped { self.other.open().await } else { self.bytes.open().await }
    }
}

fn image_with(kernel: impl Artifact + 'static, initrd: impl Artifact + 'static) -> Image {
    let profile = ProfileSpec::new("worker").unwrap();
    let init: InitPath = INIT.parse().unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    Image::builder(&profile, boot).kernel(kernel).initrd(initrd).build().unwrap()
}

fn kernel() -> Arc<dyn Artifact> {
    artifact(ArtifactKind::Kernel, "bzImage", &fs::read(stub("linuxx64.efi.stub")).unwrap())
}

fn names(workshop: &Workshop) -> Vec<String> {
    let entries = fs::read_dir(workshop.path(".")).unwrap();
    entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn bytes_that_the_digest_does_not_describe_are_not_signed() {
    let swapped = |kind, name: &str, bytes: &[u8], at_once| {
        let mut other = bytes.to_vec();
        *other.last_mut().unwrap() ^= 1;
        let (bytes, other) = (artifact(kind, name, bytes), artifact(kind, name, &other));
        Swapped { bytes, other, from_now_on: AtomicBool::new(at_once) }
    };
    let initrd = || artifact(ArtifactKind::Initrd, "initrd", b"initrd");
    let code = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let kernel_of = |at_once| swapped(ArtifactKind::Kernel, "bzImage", &code, at_once);
    for image in [
        image_with(kernel(), swapped(ArtifactKind::Initrd, "initrd", b"initrd", true)),
        image_with(kernel_of(true), initrd()),
        image_with(kernel_of(false), initrd()),
    ] {
        let (workshop, signer) = (Workshop::new(), counting(None));
        let settings = UkiSettings::new().stub(x64()).signer(signer.clone());
        let made = settings.make(image, workshop.path("."), &Context::new()).await;
        let error = made.unwrap_err();
        let is_changed = matches!(error, Error::Core(netboot_core::Error::ArtifactChanged { .. }));
        assert!(is_changed, "{error:?}");
        assert_eq!(signer.count.load(Ordering::SeqCst), 0);
        assert!(names(&workshop).is_empty());
    }
}

#[tokio::test]
async fn a_uki_is_not_signed_if_its_name_is_taken() {
    let (workshop, signer) = (Workshop::new(), counting(None));
    let settings = UkiSettings::new().stub(x64()).signer(signer.clone());
    let make = async |image| settings.make(image, workshop.path("."), &Context::new()).await;
    let clash = image_with(kernel(), artifact(ArtifactKind::Initrd, "worker.efi", b"initrd"));
    let error = make(clash).await.unwrap_err();
    let is_duplicate = matches!(error, Error::Core(netboot_core::Error::Duplicate { .. }));
    assert!(is_duplicate, "{error:?}");
    assert!(names(&workshop).is_empty());

    workshop.file("worker.efi", "precious");
    let error = make(image(&[])).await.unwrap_err();
    let path = workshop.path("worker.efi");
    assert!(matches!(error, Error::Io { action: "create", .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert_eq!((names(&workshop).len(), signer.count.load(Ordering::SeqCst)), (1, 0));

    // The hint is followed.
    fs::remove_file(&path).unwrap();
    make(image(&[])).await.unwrap();
    assert_eq!(signer.count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nothing_is_left_of_a_uki_whose_making_was_cancelled() {
    let workshop = Workshop::new();
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let settings = UkiSettings::new().stub(x64()).signer(counting(Some(token)));
    let made = settings.make(image(&[]), workshop.path("."), &context).await;
    assert_eq!(made.unwrap_err().class(), ErrorClass::Cancelled);
    assert!(names(&workshop).is_empty());
    // The next attempt finds its name free.
    signing().make(image(&[]), workshop.path("."), &Context::new()).await.unwrap();
    assert_eq!(names(&workshop), ["worker.efi"]);
}

#[tokio::test]
async fn of_several_stubs_for_an_architecture_the_last_one_counts() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let stub = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let mut older = stub.clone();
    let magic = b"#### LoaderInfo: systemd-stub 2";
    let at = older.windows(magic.len()).position(|it| it == magic).unwrap() + magic.len();
    older[at] ^= 1;
    let older = Stub::parse("older", older).unwrap();
    let settings = UkiSettings::new().stub(older).stub(x64());
    settings.make(image(&[]), workshop.path("."), &context).await.unwrap();
    let made = fs::read(workshop.path("worker.efi")).unwrap();
    let marker = &stub[at - magic.len()..=at];
    assert!(made.windows(marker.len()).any(|it| it == marker));
}

#[tokio::test]
async fn the_steps_of_a_large_uki_are_reported() {
    let workshop = Workshop::new();
    let large = artifact(ArtifactKind::Initrd, "initrd", &vec![7; 9 << 20]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let context = Context::new().with_events(move |event: Event| {
        if let Event::Progress { phase: Phase::Realising, profile, subject, done, total, .. } =
            event
        {
            assert!(done <= total.unwrap() && profile.unwrap().as_str() == "worker");
            sink.lock().unwrap().push(subject);
        }
    });
    signing().make(image_with(kernel(), large), workshop.path("."), &context).await.unwrap();
    let mut subjects = seen.lock().unwrap().clone();
    subjects.dedup();
    assert_eq!(subjects, ["worker-unsigned.efi", "worker-signed-1.efi"]);
}
