//! Guarantees for callers: traits can be boxed, and values and futures can move between threads.

use std::fmt::Debug;
use std::sync::Arc;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BackendError, BootSpec, Builder, BytesArtifact, Context,
    Error, Event, EventSink, FileArtifact, FileName, Image, InitPath, KernelCommandLine,
    KernelParameter, MacAddress, Manifest, PointerName, PrebuiltBuilder, PrebuiltImage, Profile,
    ProfileName, ProfileSpec, Provenance, Release, ReleaseId, ReleasePath, ServiceName,
    Sha256Digest, Title, inspect,
};

/// Compiles only if every trait is dyn compatible.
#[test]
fn traits_are_objects() {
    let profile: Box<dyn Profile> = Box::new(ProfileSpec::new("worker").unwrap());
    let builder: Arc<dyn Builder> = Arc::new(PrebuiltBuilder::new());
    let name = FileName::new("initrd").unwrap();
    let artifact: Arc<dyn Artifact> =
        Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, "x").unwrap());
    let sink: Box<dyn EventSink> = Box::new(|_: Event| {});
    let error: Box<dyn BackendError> = Box::new(Error::EmptyRelease);
    sink.emit(Event::ProfileFinished { profile: profile.name().clone(), succeeded: true });
    assert_eq!((builder.name(), artifact.size()), ("prebuilt", 1));
    assert!(error.hint().is_some());
}

/// A function that takes a text or a value also takes references to both.
#[test]
fn texts_and_values_are_taken_by_reference() {
    let (text, name) = ("worker".to_owned(), ProfileName::new("worker").unwrap());
    let service = ServiceName::new("chainfire").unwrap();
    let spec = ProfileSpec::new(&name).unwrap();
    assert_eq!(spec.name(), ProfileSpec::new(&text).unwrap().name());
    let spec = spec.with_services([&service]).unwrap();
    assert_eq!(spec.services(), [service]);
    let invalid = "Worker".to_owned();
    assert!(matches!(ProfileSpec::new(&invalid), Err(error) if error.value == invalid));

    let mac: MacAddress = "52:54:00:12:34:56".parse().unwrap();
    assert_eq!(MacAddress::from(&mac), mac);
    let id = ReleaseId::from(Sha256Digest::of(b"release"));
    assert_eq!(ReleaseId::from(&id), id);
    assert_eq!(ReleaseId::try_from(&id.to_string()).unwrap(), id);
}

fn name_of(builder: &impl Builder) -> String {
    builder.name().to_owned()
}

/// Each setter of an artifact takes it as it is, in an `Arc` and in a `Box`.
#[tokio::test]
async fn artifacts_and_builders_are_taken_behind_pointers() {
    let artifact = |kind, name: &str| BytesArtifact::new(kind, name, "bytes").unwrap();
    let spec = ProfileSpec::new("worker").unwrap();
    let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, ["loglevel=4"]).unwrap();
    let boxed: Box<dyn Artifact> = Box::new(artifact(ArtifactKind::Initrd, "initrd"));
    let shared: Arc<dyn Artifact> = Arc::new(artifact(ArtifactKind::BuildLog, "log"));
    let image = Image::builder(&spec, boot)
        .kernel(artifact(ArtifactKind::Kernel, "bzImage"))
        .initrd(boxed)
        .build_log(shared)
        .build()
        .unwrap();
    assert_eq!(image.initrds()[0].file_name().as_str(), "initrd");
    let mut bytes = Vec::new();
    let mut reader = image.initrds()[0].open().await.unwrap();
    tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut bytes).await.unwrap();
    assert_eq!(bytes, b"bytes");

    let boxed: Box<dyn Builder> = Box::new(PrebuiltBuilder::new());
    let built = boxed.build_all(&[Arc::new(spec)], &Context::new()).await;
    assert!(matches!(built[..], [Err(Error::UnknownProfile { .. })]), "{built:?}");
    assert_eq!(name_of(&boxed), "prebuilt");
}

/// Compiles only if these types are `Send` and `Sync`.
#[test]
fn values_go_to_any_thread() {
    fn check<T: Send + Sync + Debug + 'static>() {}
    check::<Architecture>();
    check::<BootSpec>();
    check::<Context>();
    check::<Error>();
    check::<Event>();
    check::<FileArtifact>();
    check::<Image>();
    check::<InitPath>();
    check::<KernelCommandLine>();
    check::<KernelParameter>();
    check::<Manifest>();
    check::<PointerName>();
    check::<PrebuiltImage>();
    check::<ProfileName>();
    check::<Provenance>();
    check::<Release>();
    check::<ReleaseId>();
    check::<ReleasePath>();
    check::<ServiceName>();
    check::<Sha256Digest>();
    check::<Title>();
    check::<inspect::InitrdSummary>();
}

/// Compiles only if these futures can be spawned.
#[test]
fn futures_go_to_any_thread() {
    fn check<T: Send>(_: T) {}
    let context = Context::new();
    let profile = ProfileSpec::new("worker").unwrap();
    let builder = PrebuiltBuilder::new();
    let name = FileName::new("initrd").unwrap();
    check(builder.build(&profile, &context));
    check(builder.build_all(&[], &context));
    check(FileArtifact::open(ArtifactKind::Initrd, name, "initrd", &context));
    check(inspect::inspect_initrd("initrd".as_ref(), &context));
    check(inspect::check_kernel("bzImage".as_ref(), Architecture::X86_64));
    check(ProfileSpec::load("profiles.toml"));
}
