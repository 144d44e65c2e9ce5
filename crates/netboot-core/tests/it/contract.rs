//! The contract suite finds builders that break the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use netboot_core::contract::{BuilderCases, check_artifact, check_builder};
use netboot_core::{
    Architecture, Artifact, ArtifactKind, ArtifactReader, BootSpec, Builder, BytesArtifact,
    Context, Error, Event, FileName, Image, Profile, ProfileSpec, Sha256Digest,
};

/// A fault of a builder or an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    Order,
    AllOrNothing,
    Title,
    Parameters,
    Unnamed,
    Silent,
    Lying,
    Twice,
    Changing,
    Uncancelled,
    Size,
    Bytes,
    SharedReader,
}

/// A builder of images of a few bytes, with one fault.
#[derive(Debug)]
struct Wrong {
    fault: Fault,
    built: AtomicUsize,
}

fn bytes(kind: ArtifactKind, name: &str, text: String) -> Arc<dyn Artifact> {
    Arc::new(BytesArtifact::new(kind, name, text).unwrap())
}

#[async_trait]
impl Builder for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }

    async fn build(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
        let result = self.image(profile, context);
        let events = match self.fault {
            Fault::Silent => 0,
            Fault::Twice => 2,
            _ => 1,
        };
        for _ in 0..events {
            let succeeded = result.is_ok() || self.fault == Fault::Lying;
            let profile = profile.name().clone();
            context.emit(Event::ProfileFinished { profile, succeeded });
        }
        result
    }

    async fn build_all(
        &self,
        profiles: &[Arc<dyn Profile>],
        context: &Context,
    ) -> Vec<Result<Image, Error>> {
        let mut results = Vec::new();
        for profile in profiles {
            results.push(self.build(profile.as_ref(), context).await);
        }
        match self.fault {
            Fault::Order => results.sort_by_key(|result| {
                result.as_ref().ok().map(|image| image.profile().to_string())
            }),
            Fault::AllOrNothing if results.iter().any(Result::is_err) => {
                for result in results.iter_mut().filter(|result| result.is_ok()) {
                    *result = Err(Error::Cancelled);
                }
            }
            _ => {}
        }
        results
    }
}

impl Wrong {
    fn image(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
        if self.fault != Fault::Uncancelled {
            context.check()?;
        }
        let name = profile.name();
        let mut boot = vec!["loglevel=4".parse()?];
        if self.fault == Fault::Parameters {
            boot.splice(0..0, profile.kernel_parameters().iter().cloned());
        }
        let boot = BootSpec::new(Architecture::X86_64, "/init", boot)?;
        if name.as_str() == "broken" {
            let error = Error::EmptyRelease;
            let is_unnamed = self.fault == Fault::Unnamed;
            return Err(if is_unnamed { error } else { error.of_profile("wrong", name) });
        }
        let text = match self.fault {
            Fault::Changing => format!("{}", self.built.fetch_add(1, Ordering::Relaxed)),
            _ => name.to_string(),
        };
        let plain = ProfileSpec::new(name.clone()).unwrap();
        let named: &dyn Profile = if self.fault == Fault::Title { &plain } else { profile };
        Image::builder(named, boot)
            .kernel(bytes(ArtifactKind::Kernel, "bzImage", "kernel".to_owned()))
            .initrd(bytes(ArtifactKind::Initrd, "initrd", text))
            .initrd(Odd::new(self.fault))
            .build()
    }
}

/// An artifact that can have a fault.
#[derive(Debug)]
struct Odd {
    fault: Fault,
    name: FileName,
    opened: AtomicUsize,
}

impl Odd {
    fn new(fault: Fault) -> Self {
        Self { fault, name: FileName::new("layer").unwrap(), opened: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Artifact for Odd {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Initrd
    }

    fn file_name(&self) -> &FileName {
        &self.name
    }

    fn size(&self) -> u64 {
        if self.fault == Fault::Size { 6 } else { 5 }
    }

    fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(if self.fault == Fault::Bytes { b"other" } else { b"layer" })
    }

    async fn open(&self) -> Result<ArtifactReader, Error> {
        let begin = match self.fault {
            Fault::SharedReader => self.opened.fetch_add(1, Ordering::Relaxed).min(5),
            _ => 0,
        };
        Ok(Box::pin(std::io::Cursor::new(&b"layer"[begin..])))
    }
}

/// Returns the suite's message for a builder with this fault.
async fn verdict(fault: Fault) -> Option<String> {
    let profile = |name: &str| -> Arc<dyn Profile> { Arc::new(ProfileSpec::new(name).unwrap()) };
    let cases = BuilderCases::new([profile("worker"), profile("edge")], profile("broken"));
    let builder = Wrong { fault, built: AtomicUsize::new(0) };
    let suite = tokio::spawn(async move { check_builder(&builder, cases).await });
    panic_text(suite.await)
}

fn panic_text(result: Result<(), tokio::task::JoinError>) -> Option<String> {
    let panic = result.err()?.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}

#[tokio::test]
async fn each_fault_of_a_builder_is_found_and_said() {
    assert_eq!(verdict(Fault::Nothing).await, None);
    let faults = [
        (
            Fault::Order,
            "sentence 2 or 7 of the contract of `Builder` is broken: ",
            "must keep the order",
        ),
        (
            Fault::AllOrNothing,
            "sentence 3 or 4 or 7 of the contract of `Builder` is broken: ",
            "was not built",
        ),
        (Fault::Title, "sentence 1 of the contract of `Builder` is broken: ", "title of `worker`"),
        (
            Fault::Parameters,
            "sentence 1 of the contract of `Builder` is broken: ",
            "must follow those of the configuration",
        ),
        (
            Fault::Unnamed,
            "sentence 3 or 4 or 7 of the contract of `Builder` is broken: ",
            "does not name `broken`",
        ),
        (
            Fault::Silent,
            "sentence 2 or 7 of the contract of `Builder` is broken: ",
            "one ProfileFinished event",
        ),
        (
            Fault::Lying,
            "sentence 3 or 4 or 7 of the contract of `Builder` is broken: ",
            "one ProfileFinished event",
        ),
        (
            Fault::Twice,
            "sentence 2 or 7 of the contract of `Builder` is broken: ",
            "one ProfileFinished event",
        ),
        (
            Fault::Changing,
            "sentence 2 or 6 or 7 of the contract of `Builder` is broken: ",
            "has another manifest after a second build",
        ),
        (
            Fault::Uncancelled,
            "sentence 8 of the contract of `Builder` is broken: ",
            "a cancelled builder built",
        ),
        (
            Fault::Size,
            "sentence 5 of the contract of `Builder` is broken: sentence 1 or 3 of ",
            "does not yield as many bytes as it states",
        ),
        (
            Fault::Bytes,
            "sentence 5 of the contract of `Builder` is broken: sentence 1 or 3 of ",
            "do not have the digest that it states",
        ),
        (
            Fault::SharedReader,
            "sentence 5 of the contract of `Builder` is broken: sentence 1 or 3 of ",
            "does not yield as many bytes as it states",
        ),
    ];
    for (fault, begin, words) in faults {
        match verdict(fault).await {
            Some(text) => {
                assert!(text.starts_with(begin) && text.contains(words), "{fault:?}: {text}");
            }
            None => panic!("{fault:?} was not found"),
        }
    }
}

#[tokio::test]
async fn each_fault_of_an_artifact_is_found_and_said() {
    check_artifact(&Odd::new(Fault::Nothing)).await;
    for (fault, words) in [
        (Fault::Size, "does not yield as many bytes as it states"),
        (Fault::Bytes, "do not have the digest that it states"),
        (Fault::SharedReader, "does not yield as many bytes as it states"),
    ] {
        let suite = tokio::spawn(async move { check_artifact(&Odd::new(fault)).await });
        let text = panic_text(suite.await).unwrap_or_else(|| panic!("{fault:?} was not found"));
        let begin = "sentence 1 or 3 of the contract of `Artifact` is broken: ";
        assert!(text.starts_with(begin), "{fault:?}: {text}");
        assert!(text.contains("`layer`") && text.contains(words), "{fault:?}: {text}");
    }
}
