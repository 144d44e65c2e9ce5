//! The UKIs of images.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use netboot_closure::boot_parameter::BootParameters;
use netboot_core::{
    Architecture, ArtifactKind, BackendError, BootSpec, Closure, Context, FileArtifact, Image,
    InitPath, ProfileSpec, Title,
};
use netboot_testbed::Testbed;
use netboot_uki::{
    Certificate, Error, SecureBootVariable, Stub, TestKeys, UkiFile, UkiSettings, check_image_uki,
    sign,
};

use crate::programs::{sbverify, ukify};
use crate::workshop::{INITRDS, KEYS, Workshop, artifact, db, db_signer, stub, time};

pub(crate) const INIT: &str = "/nix/store/0a-nixos/init";

pub(crate) fn x64() -> Stub {
    Stub::read(stub("linuxx64.efi.stub")).unwrap()
}

pub(crate) fn signing() -> UkiSettings {
    UkiSettings::new().stub(x64()).signer(Arc::new(db_signer()))
}

/// An image whose kernel is a stub, which is a small EFI program.
pub(crate) fn image(parameters: &[&str]) -> Image {
    let kernel = fs::read(stub("linuxx64.efi.stub")).unwrap();
    image_of(Architecture::X86_64, &kernel, INITRDS, parameters, false)
}

pub(crate) fn image_of(
    architecture: Architecture,
    kernel: &[u8],
    initrds: [&[u8]; 2],
    parameters: &[&str],
    has_closure: bool,
) -> Image {
    let title = Title::new("Worker \"x\" of $HOME").unwrap();
    let Ok(profile) = ProfileSpec::new("worker").unwrap().with_title(title);
    let init: InitPath = INIT.parse().unwrap();
    let boot = BootSpec::new(architecture, init, parameters.iter().copied()).unwrap();
    let [first, second] = initrds;
    let mut builder = Image::builder(&profile, boot)
        .kernel(artifact(ArtifactKind::Kernel, "bzImage", kernel))
        .initrd(artifact(ArtifactKind::Initrd, "initrd", first))
        .initrd(artifact(ArtifactKind::Initrd, "initrd-2", second));
    if has_closure {
        let index = artifact(ArtifactKind::ClosureIndex, "index", b"an index");
        let blobs = vec![artifact(ArtifactKind::StorePath, "blob", b"a store path")];
        builder = builder.closure(Closure { index, blobs, unpacked_bytes: 4096, inodes: 1 });
    }
    builder.build().unwrap()
}

pub(crate) fn closure_image(parameters: &[&str]) -> Image {
    let kernel = fs::read(stub("linuxx64.efi.stub")).unwrap();
    image_of(Architecture::X86_64, &kernel, INITRDS, parameters, true)
}

/// Makes a UKI of `image`, and gives it to `other`.
async fn swapped(image: Image, other: Image) -> Error {
    let (workshop, context) = (Workshop::new(), Context::new());
    let made = signing().make(image, workshop.path("."), &context).await.unwrap();
    let uki = made.uki().unwrap().clone();
    check_image_uki(&other.with_uki(uki).unwrap(), &[], &context).await.unwrap_err()
}

pub(crate) fn section(error: &Error) -> &str {
    match error {
        Error::OtherImage { section, .. } => section,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_uki_of_an_image_has_its_kernel_initrds_command_line_and_names() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let kernel = fs::read(Testbed::locate().kernel()).unwrap();
    let parameters = ["console=ttyS0", "quiet"];
    let image = image_of(Architecture::X86_64, &kernel, INITRDS, &parameters, false);
    let image = signing().make(image, workshop.path("."), &context).await.unwrap();
    let path = workshop.path("worker.efi");
    let uki = image.uki().unwrap();
    assert_eq!((uki.file_name().as_str(), uki.kind()), ("worker.efi", ArtifactKind::Uki));
    assert_eq!(uki.local_path(), Some(path.canonicalize().unwrap().as_path()));

    let file = UkiFile::open(&path).unwrap();
    let line = format!("init={INIT} console=ttyS0 quiet");
    assert_eq!(file.command_line().unwrap().as_str(), line);
    let names = "NAME=\"worker\"\nID=worker\nPRETTY_NAME=\"Worker \\\"x\\\" of \\$HOME\"";
    assert_eq!(file.os_release().unwrap().as_str(), names);
    let bytes = fs::read(&path).unwrap();
    let bytes_of = |name: &str| {
        let section = file.program().section(name).unwrap();
        let start = section.offset as usize;
        &bytes[start..start + section.size as usize]
    };
    assert!(bytes_of(".linux") == kernel);
    assert_eq!(bytes_of(".initrd"), b"first\0\0\0the second\0\0");
    // Other programs agree.
    assert!(sbverify(&path, &workshop.keys().await.join("db.crt")));
    let inspected = ukify(&["inspect".into(), path.display().to_string()]);
    assert!(inspected.contains(&line) && inspected.contains("ID=worker"), "{inspected}");
    assert_eq!(file.uname().unwrap().as_str(), uname_of_ukify(&workshop));
    let checked = check_image_uki(&image, &[db()], &context).await.unwrap().unwrap();
    assert_eq!(checked.program().sha256(), file.program().sha256());
}

/// The version that ukify reads from the kernel of the test bed.
fn uname_of_ukify(workshop: &Workshop) -> String {
    let theirs = workshop.path("theirs.efi");
    ukify(&[
        "build".into(),
        format!("--linux={}", Testbed::locate().kernel().display()),
        format!("--initrd={}", workshop.file("initrd", "x").display()),
        format!("--stub={}", stub("linuxx64.efi.stub").display()),
        "--cmdline=quiet".into(),
        "--efi-arch=x64".into(),
        format!("--output={}", theirs.display()),
    ]);
    UkiFile::open(theirs).unwrap().uname().unwrap().as_str().to_owned()
}

#[tokio::test]
async fn equal_images_and_keys_make_equal_ukis() {
    let context = Context::new();
    let make = async |settings: UkiSettings| {
        let workshop = Workshop::new();
        let made = settings.make(image(&["quiet"]), workshop.path("."), &context).await.unwrap();
        check_image_uki(&made, &[], &context).await.unwrap().unwrap();
        let names = fs::read_dir(workshop.path(".")).unwrap().count();
        assert_eq!(names, 1, "nothing else is left in the directory");
        fs::read(workshop.path("worker.efi")).unwrap()
    };
    let second = || KEYS.signer(SecureBootVariable::PlatformKey).unwrap();
    let twice = || signing().signer(Arc::new(second()));
    assert!(make(signing()).await == make(signing()).await);
    assert!(make(twice()).await == make(twice()).await);
    assert!(make(signing()).await != make(UkiSettings::new().stub(x64())).await);
    let workshop = Workshop::new();
    let image_with_uki = twice().make(image(&[]), workshop.path("."), &context).await.unwrap();
    let checked = check_image_uki(&image_with_uki, &[db()], &context).await.unwrap().unwrap();
    let signers: Vec<_> = checked.program().signers().into_iter().map(Result::unwrap).collect();
    let platform = KEYS.certificate(SecureBootVariable::PlatformKey).clone();
    assert_eq!(signers, [db(), platform]);
}

#[tokio::test]
async fn the_command_line_names_the_closure_and_where_it_is() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let image = closure_image(&["quiet"]);
    let index = image.closure().unwrap().index.sha256();
    let refused = signing().make(image.clone(), workshop.path("."), &context).await.unwrap_err();
    assert!(matches!(refused, Error::NoClosureSource { .. }), "{refused:?}");
    assert!(refused.hint().unwrap().contains("no boot loader can add it later"));
    assert!(!workshop.path("worker.efi").exists());

    let source = |url: &str| signing().closure_source(&url.parse().unwrap());
    for wrong in ["https://a/", "http://user:secret@a/", "http://a/?b"] {
        let error = source(wrong).unwrap_err();
        assert!(matches!(error, Error::ClosureSource { .. }), "{error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(error.hint().unwrap().contains("without a password and without a query"));
    }
    let settings = source("http://10.0.2.2:8080/pxe/").unwrap();
    let image = settings.make(image, workshop.path("."), &context).await.unwrap();
    let file = check_image_uki(&image, &[db()], &context).await.unwrap().unwrap();
    let line = file.command_line().unwrap();
    let added = format!("netboot.from=http://10.0.2.2:8080/pxe/ netboot.index={index}");
    assert_eq!(line.as_str(), format!("init={INIT} quiet {added}"));
    let read = BootParameters::from_command_line(&line).unwrap();
    assert_eq!(read.index.unwrap().to_string(), index.to_string());
    assert_eq!(read.from[0].host(), "10.0.2.2");

    // The configuration may name the source itself, and never the digest.
    let workshop = Workshop::new();
    let named = closure_image(&["netboot.from=http://a/"]);
    signing().make(named, workshop.path("."), &context).await.unwrap();
    let reserved = closure_image(&["netboot.index=00"]);
    let refused = settings.make(reserved, workshop.path("."), &context).await.unwrap_err();
    assert!(refused.hint().unwrap().contains("remove the parameter from `boot.kernelParams`"));
    assert!(refused.to_string().contains("of `worker` cannot be on the command line"));
}

#[tokio::test]
async fn a_uki_of_another_image_is_refused_by_the_section_that_differs() {
    let kernel = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let other_kernel = fs::read(stub("systemd-bootx64.efi")).unwrap();
    let mut altered_kernel = kernel.clone();
    *altered_kernel.last_mut().unwrap() ^= 1;
    let [first, second] = INITRDS;
    let of =
        |kernel: &[u8], initrds| image_of(Architecture::X86_64, kernel, initrds, &["quiet"], false);
    for (expected, other) in [
        (".linux", of(&other_kernel, INITRDS)),
        (".linux", of(&altered_kernel, INITRDS)),
        (".initrd", of(&kernel, [second, first])),
        (".initrd", of(&kernel, [first, b"the secons"])),
        (".initrd", of(&kernel, [b"first and more", second])),
        (".cmdline", image(&[])),
        (".cmdline", image(&["quiet", "debug"])),
        (".cmdline", closure_image(&["quiet"])),
        (".linux", image_of(Architecture::Aarch64, &kernel, INITRDS, &["quiet"], false)),
    ] {
        let error = swapped(image(&["quiet"]), other).await;
        assert_eq!(section(&error), expected, "{error}");
        assert!(error.hint().unwrap().contains("make it again from this image"));
    }
}

#[tokio::test]
async fn a_uki_with_more_than_the_image_is_refused() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let image = image(&["quiet"]);
    signing().make(image.clone(), workshop.path("."), &context).await.unwrap();
    let microcode = workshop.path("microcode.efi");
    ukify(&[
        "build".into(),
        format!("--linux={}", stub("linuxx64.efi.stub").display()),
        format!("--initrd={}", workshop.file("initrd", b"first\0\0\0the second\0\0").display()),
        format!("--microcode={}", workshop.file("microcode", "evil").display()),
        format!("--stub={}", stub("linuxx64.efi.stub").display()),
        format!("--cmdline=init={INIT} quiet"),
        "--efi-arch=x64".into(),
        format!("--output={}", microcode.display()),
    ]);
    let given = with_uki(&image, &microcode).await;
    let error = check_image_uki(&given, &[], &context).await.unwrap_err();
    assert_eq!(section(&error), ".ucode");
}

pub(crate) async fn with_uki(image: &Image, path: &Path) -> Image {
    let context = Context::new();
    let uki = FileArtifact::open(ArtifactKind::Uki, "worker.efi", path, &context).await.unwrap();
    image.clone().with_uki(uki).unwrap()
}

#[tokio::test]
async fn a_uki_that_nobody_trusted_signed_or_that_changed_is_refused() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let unsigned = UkiSettings::new().stub(x64());
    let made = unsigned.make(image(&[]), workshop.path("."), &context).await.unwrap();
    check_image_uki(&made, &[], &context).await.unwrap().unwrap();
    let error = check_image_uki(&made, &[db()], &context).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error:?}");

    let path = workshop.path("signed.efi");
    sign(workshop.path("worker.efi"), &path, &db_signer(), &context).await.unwrap();
    let signed = with_uki(&made, &path).await;
    check_image_uki(&signed, &[db()], &context).await.unwrap().unwrap();
    let stranger = TestKeys::generate("stranger", time()).unwrap();
    let stranger: Certificate = stranger.certificate(SecureBootVariable::Signatures).clone();
    let error = check_image_uki(&signed, &[stranger], &context).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error:?}");

    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = check_image_uki(&signed, &[], &context).await.unwrap_err();
    let is_changed = matches!(error, Error::Core(netboot_core::Error::ArtifactChanged { .. }));
    assert!(is_changed, "{error:?}");
    // An image without a UKI has nothing to check.
    assert!(check_image_uki(&image(&[]), &[db()], &context).await.unwrap().is_none());
}

#[tokio::test]
async fn the_stub_of_the_image_is_taken_unless_the_caller_gives_one() {
    let context = Context::new();
    let kernel = fs::read(stub("linuxx64.efi.stub")).unwrap();
    let profile = ProfileSpec::new("worker").unwrap();
    let init: InitPath = INIT.parse().unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    let with = |name: &str| {
        Image::builder(&profile, boot.clone())
            .kernel(artifact(ArtifactKind::Kernel, "bzImage", &kernel))
            .initrd(artifact(ArtifactKind::Initrd, "initrd", b"initrd"))
            .uki_stub(stub(name))
            .build()
            .unwrap()
    };
    let make = async |settings: UkiSettings, image| {
        let workshop = Workshop::new();
        let image = settings.make(image, workshop.path("."), &context).await?;
        check_image_uki(&image, &[], &context).await
    };
    make(UkiSettings::new(), with("linuxx64.efi.stub")).await.unwrap().unwrap();
    let refused = make(UkiSettings::new(), with("systemd-bootx64.efi")).await.unwrap_err();
    assert!(matches!(refused, Error::Stub { .. }), "{refused:?}");
    make(signing(), with("systemd-bootx64.efi")).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_architecture_without_a_stub_is_refused_and_one_with_a_stub_is_not() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let kernel = fs::read(stub("linuxaa64.efi.stub")).unwrap();
    let arm = |architecture| image_of(architecture, &kernel, INITRDS, &[], false);
    let make = async |settings: UkiSettings, image| {
        settings.make(image, workshop.path("."), &context).await
    };
    let refused = make(signing(), arm(Architecture::Aarch64)).await.unwrap_err();
    assert!(refused.hint().unwrap().starts_with("give `linuxaa64.efi.stub` of systemd's package"));
    let both = signing().stub(Stub::read(stub("linuxaa64.efi.stub")).unwrap());
    let image = make(both, arm(Architecture::Aarch64)).await.unwrap();
    check_image_uki(&image, &[db()], &context).await.unwrap().unwrap();
    let refused = make(signing(), arm(Architecture::Riscv64)).await.unwrap_err();
    assert!(refused.hint().unwrap().contains("make no UKI: UKIs are for x86_64 and aarch64"));
    let without = arm(Architecture::Riscv64);
    assert!(check_image_uki(&without, &[db()], &context).await.unwrap().is_none());
}
