//! Guarantees for callers: traits can be boxed, and values and futures can move between threads.

use std::fmt::Debug;
use std::sync::Arc;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BackendError, BootSpec, Builder, BytesArtifact, Context,
    Error, Event, EventSink, FileArtifact, FileName, Image, InitPath, KernelCommandLine,
    KernelParameter, Manifest, PointerName, PrebuiltBuilder, PrebuiltImage, Profile, ProfileName,
    ProfileSpec, Provenance, Release, ReleaseId, ReleasePath, ServiceName, Sha256Digest, Title,
    inspect,
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
