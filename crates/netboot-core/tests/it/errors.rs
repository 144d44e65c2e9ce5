//! Errors say what happened, why, and what to do, each once.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::io;
use std::time::Duration;

use netboot_core::{
    Architecture, ArtifactKind, BackendError, Error, ErrorClass, InitPath, ProfileName,
    ProfileSpec, ReleaseId, ReleasePath, Report, Sha256Digest, layout,
};

fn worker() -> ProfileName {
    "worker".parse().unwrap()
}

fn io_error(kind: io::ErrorKind) -> Error {
    Error::io("read", "images/initrd", io::Error::from(kind))
}

/// Returns one error of every kind.
fn every_error() -> Vec<Error> {
    let (profile, path) = (worker(), "images/initrd".into());
    let digests = [Sha256Digest::of(b"a"), Sha256Digest::of(b"b")];
    let ids = digests.map(ReleaseId::from);
    let release_path = ReleasePath::new("worker/netboot.ipxe").unwrap();
    vec![
        ProfileName::new("../etc").unwrap_err().into(),
        io_error(io::ErrorKind::NotFound),
        Error::NotAFile { path: "images".into() },
        Error::FileTooLarge { path: "key".into(), limit: 4 },
        Error::SymbolicLink { path: "published/blobs".into() },
        Error::NoAnswer { path: "published".into(), after: Duration::from_secs(1) },
        Error::EmptyArtifact { kind: ArtifactKind::Initrd, path },
        Error::ArtifactChanged { path: "images/initrd".into() },
        Error::NotAKernel {
            path: "images/bzImage".into(),
            architecture: Architecture::X86_64,
            found: "it is an HTML page".to_owned(),
        },
        Error::DamagedInitrd {
            path: "images/initrd".into(),
            position: 7,
            problem: "it ends in the middle".to_owned(),
        },
        Error::InitMissing { profile: profile.clone(), init: InitPath::new("/init").unwrap() },
        Error::FirstProgram {
            profile: profile.clone(),
            program: InitPath::new("/init").unwrap(),
            problem: "no initrd contains it",
        },
        Error::IncompleteImage { profile: profile.clone(), missing: "kernel" },
        Error::WrongArtifactKind {
            profile: profile.clone(),
            expected: ArtifactKind::Kernel,
            found: ArtifactKind::Script,
        },
        Error::Duplicate { name: "worker".to_owned() },
        Error::EmptyRelease,
        Error::MissingScript { path: release_path.clone() },
        Error::NotAProgram { path: release_path.clone() },
        Error::UnmarkedEntryPoint { path: release_path.clone(), mark: layout::GENERATED_MARK },
        Error::ReservedPath { path: layout::manifest() },
        Error::FileAboveFile { file: "worker".to_owned(), below: release_path },
        Error::UnlistedPayload { profile: profile.clone(), file: "bzImage".parse().unwrap() },
        Error::ContradictorySizes { sha256: digests[0] },
        Error::ReleaseTooLarge { what: "bytes", found: 2, limit: 1 },
        Error::ManifestForm,
        netboot_core::Manifest::from_json(b"<html>").unwrap_err(),
        Error::ManifestVersion { found: 1, oldest: 2, newest: 3 },
        Error::ManifestMismatch { stated: ids[0], computed: ids[1] },
        Error::OtherManifest { expected: ids[0], found: ids[1] },
        ProfileSpec::parse_toml("name", "profiles.toml").unwrap_err(),
        Error::UnknownProfile { profile: profile.clone(), known: vec![profile.clone()] },
        Error::UnrecognisedImage { path: "images".into(), problem: "no kernel".to_owned() },
        Error::UnexpectedDigest {
            path: "images/initrd".into(),
            expected: digests[0],
            found: digests[1],
        },
        Error::build("nix", &profile, BuilderFailed { hint: Some("read the log".to_owned()) }),
    ]
}

#[derive(Debug, thiserror::Error)]
#[error("the builder of `linux` exited with 3")]
struct BuilderFailed {
    hint: Option<String>,
}

impl BackendError for BuilderFailed {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Equipment
    }
}

#[test]
fn every_error_says_what_happened_and_what_to_do() {
    let errors = every_error();
    for error in &errors {
        let (text, hint) = (error.to_string(), error.hint().unwrap());
        assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
        assert!(!hint.is_empty() && hint != text, "{hint}");
    }
    // All texts differ.
    let texts: std::collections::BTreeSet<String> = errors.iter().map(Error::to_string).collect();
    assert_eq!(texts.len(), errors.len());
    // The caller that cancelled needs no hint.
    assert_eq!(Error::Cancelled.hint(), None);
}

#[test]
fn what_happened_does_not_repeat_why() {
    let mut with_cause = 0;
    for error in every_error() {
        if let Some(source) = error.source() {
            with_cause += 1;
            let (text, cause) = (error.to_string(), source.to_string());
            assert!(!text.contains(&cause), "{text} and {cause}");
        }
    }
    assert_eq!(with_cause, 4, "a file, a manifest, a profile file and a backend have a cause");
}

#[test]
fn an_error_of_a_file_has_the_remedy_for_its_cause() {
    let hints = [
        (io::ErrorKind::NotFound, "does not exist"),
        (io::ErrorKind::PermissionDenied, "let this user read `"),
        (io::ErrorKind::NotADirectory, "is a file, and not a directory"),
        (io::ErrorKind::StorageFull, "free space"),
        (io::ErrorKind::ReadOnlyFilesystem, "writable"),
        (io::ErrorKind::InvalidData, "UTF-8"),
        (io::ErrorKind::Other, "check the disk"),
    ];
    for (kind, words) in hints {
        let error = io_error(kind);
        let hint = error.hint().unwrap();
        assert!(hint.contains(words) && hint.contains("images/initrd"), "{hint}");
        assert_eq!(error.to_string(), "cannot read `images/initrd`");
    }
}

#[test]
fn a_backend_s_error_travels_whole() {
    let error = Error::build("nix", &worker(), BuilderFailed { hint: None });
    assert_eq!(error.to_string(), "nix could not build profile `worker`");
    assert_eq!(error.hint(), None);
    let source = error.source().unwrap();
    assert!(source.is::<BuilderFailed>());
    assert_eq!(source.to_string(), "the builder of `linux` exited with 3");
    let error = Error::build("nix", &worker(), BuilderFailed { hint: Some("do".to_owned()) });
    assert_eq!(error.hint().as_deref(), Some("do"));
    assert_eq!(error.class(), ErrorClass::Equipment);
}

#[test]
fn every_error_tells_a_program_what_to_do() {
    let names: BTreeSet<&str> = ErrorClass::ALL.map(ErrorClass::as_str).into();
    assert_eq!(names.len(), ErrorClass::ALL.len());
    for error in every_error() {
        let class = error.class();
        assert!(ErrorClass::ALL.contains(&class) && class != ErrorClass::Failed, "{error:?}");
        let report = Report::foreign(io::Error::other(error));
        assert_eq!(report.class(), class, "{report:?}");
    }
    for (kind, class) in [
        (io::ErrorKind::StorageFull, ErrorClass::StorageFull),
        (io::ErrorKind::QuotaExceeded, ErrorClass::StorageFull),
        (io::ErrorKind::NotFound, ErrorClass::Input),
        (io::ErrorKind::ReadOnlyFilesystem, ErrorClass::Denied),
        (io::ErrorKind::TimedOut, ErrorClass::TimedOut),
        (io::ErrorKind::ConnectionReset, ErrorClass::Unreachable),
        (io::ErrorKind::Other, ErrorClass::Failed),
    ] {
        assert_eq!(io_error(kind).class(), class, "{kind}");
        assert_eq!(Report::new(io::Error::from(kind)).class(), class, "{kind}");
    }
    assert_eq!(Report::new(Error::Cancelled).class(), ErrorClass::Cancelled);
    let report = Report::message("the rack is full", "name another rack");
    assert_eq!(report.class(), ErrorClass::Failed);
    assert_eq!(report.with_class(ErrorClass::Conflict).class(), ErrorClass::Conflict);
}

#[test]
fn of_a_profile_each_error_names_it_once() {
    let mut wrapped = 0;
    for error in every_error() {
        let (text, hint, named) = (error.to_string(), error.hint(), error.profile().cloned());
        let error = error.of_profile("prebuilt", &worker());
        assert_eq!(error.profile(), Some(&worker()));
        assert_eq!(error.hint(), hint);
        if named.is_some() {
            assert_eq!(error.to_string(), text);
        } else {
            wrapped += 1;
            assert_eq!(error.to_string(), "prebuilt could not build profile `worker`");
            assert_eq!(error.source().unwrap().to_string(), text);
        }
    }
    assert_eq!(wrapped, every_error().len() - 6);
    assert!(matches!(Error::Cancelled.of_profile("x", &worker()), Error::Cancelled));
}

#[test]
fn a_long_text_is_cut_in_the_message() {
    let error = ProfileName::new("é".repeat(100_000)).unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}

#[test]
fn an_error_is_told_in_full_whichever_crate_it_is_from() {
    let failed = || -> Result<(), Report> {
        let source = io_error(io::ErrorKind::NotFound);
        Err(Error::build("nix", &worker(), source))?;
        Ok(())
    };
    assert_eq!(
        failed().unwrap_err().in_full(),
        "error: nix could not build profile `worker`\n  because: cannot read `images/initrd`\n  \
         because: entity not found\n  what to do: check the spelling of the path: \
         `images/initrd` does not exist"
    );
    let source = Error::UnrecognisedImage { path: "x".into(), problem: "one\ntwo\n".to_owned() };
    let report = Report::from(Error::build("nix", &worker(), source));
    assert!(report.in_full().contains("contain a netboot image: one\n  | two\n  what to do: "));
}
