//! Errors that went through `anyhow`, or into the error of a service, keep what an operator and a
//! program need.

use std::error::Error as StdError;
use std::io;

use anyhow::Context as _;
use netboot_core::{BackendError, ErrorClass, InvalidValue, ProfileName, Report};
use netboot_publish::{Error as PublishError, Sites};

const HINT: &str = "name at least one target";

fn no_sites() -> PublishError {
    Sites::builder().build().unwrap_err()
}

/// Boxes what `anyhow` holds. `Box::from` would hide its type from everybody.
fn boxed(error: anyhow::Error) -> Box<dyn StdError + Send + Sync> {
    error.reallocate_into_boxed_dyn_error_without_backtrace()
}

#[test]
fn a_report_made_by_hand_keeps_the_hint_of_every_crate() {
    let nix = netboot_nix::NixBuilder::options("--option").build().unwrap_err();
    let ipxe = netboot_ipxe::Renderer::builder().ipxe_build("none").build().unwrap_err();
    let qemu = netboot_qemu::Machine::builder().memory_mib(1).build().unwrap_err();
    let closure = netboot_closure::StorePath::from_base_name("etc").unwrap_err();
    for (report, hint) in [
        (Report::new(no_sites()), no_sites().hint()),
        (Report::new(ipxe), Some("choose one of: ".to_owned())),
        (Report::new(qemu), Some("change the memory: ".to_owned())),
        (Report::new(closure), Some("give a path such as /nix/store".to_owned())),
        (Report::new(nix.clone()), nix.hint()),
    ] {
        let hint = hint.unwrap();
        assert!(report.hint().is_some_and(|found| found.starts_with(&hint)), "{report:?}");
    }
}

#[test]
fn a_report_comes_back_out_of_anyhow_with_its_hint() {
    let plain = || anyhow::Error::from(Report::new(no_sites()));
    let in_context = || plain().context("the nightly job failed");
    for error in [plain(), in_context(), in_context().context("again")] {
        let said = error.to_string();
        let report = Report::foreign(boxed(error));
        assert_eq!(report.hint(), Some(HINT), "{report:?}");
        assert_eq!(report.class(), ErrorClass::Input, "{report:?}");
        assert_eq!(report.to_string(), said);
        assert!(matches!(report.find(), Some(PublishError::NoSites)));
    }
    let in_full = Report::foreign(boxed(in_context())).in_full();
    let lines: Vec<&str> = in_full.lines().collect();
    assert_eq!(
        lines,
        [
            "error: the nightly job failed",
            "  because: there are no targets to publish to",
            "  what to do: name at least one target",
        ]
    );
}

#[test]
fn an_error_that_no_report_held_gives_its_hint_to_a_report_that_is_told_its_type() {
    let direct = || -> anyhow::Result<()> { Err(no_sites())? };
    let in_context = || direct().context("the nightly job failed");
    for error in [direct(), in_context()].map(Result::unwrap_err) {
        let report = Report::foreign(boxed(error));
        assert_eq!(report.hint(), None);
        let report = report.with_hint_of::<netboot_nix::Error>();
        assert_eq!(report.hint(), None);
        assert_eq!(report.class(), ErrorClass::Failed);
        let report = report.with_hint_of::<PublishError>();
        assert_eq!((report.hint(), report.class()), (Some(HINT), ErrorClass::Input));
    }
    // A hint that is there stays.
    let report = Report::message("no disk", "add a disk").with_hint_of::<PublishError>();
    assert_eq!(report.hint(), Some("add a disk"));
}

/// The error of a service.
#[derive(Debug, thiserror::Error)]
enum ServiceError {
    #[error("the job cannot be published")]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Value(#[from] InvalidValue),
    #[error("there is no rack {0}")]
    Rack(u32),
}

impl BackendError for ServiceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Publish(error) => error.hint(),
            Self::Value(error) => error.hint(),
            Self::Rack(_) => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Publish(error) => error.class(),
            Self::Value(error) => error.class(),
            Self::Rack(_) => ErrorClass::Conflict,
        }
    }
}

#[test]
fn the_error_of_a_service_gives_the_hints_of_its_causes() {
    let name = || ProfileName::new("Worker").unwrap_err();
    let failing: [fn() -> Result<(), ServiceError>; 3] = [
        || Err(no_sites())?,
        || ProfileName::new("Worker").map(drop).map_err(Into::into),
        || Err(ServiceError::Rack(3)),
    ];
    let hints = [Some(HINT.to_owned()), name().hint(), None];
    let classes = [ErrorClass::Input, ErrorClass::Input, ErrorClass::Conflict];
    for ((step, hint), class) in failing.into_iter().zip(hints).zip(classes) {
        let through = || -> Result<(), Report> { Ok(step()?) };
        let report = through().unwrap_err();
        assert_eq!((report.hint(), report.class()), (hint.as_deref(), class));
    }
}

#[test]
fn a_report_gives_back_the_error_that_it_was_made_of() {
    let report = Report::new(no_sites());
    let report = report.downcast::<InvalidValue>().unwrap_err();
    assert_eq!(report.hint(), Some(HINT));
    assert!(matches!(report.downcast(), Ok(PublishError::NoSites)));

    // `io::Error` and `Report` give the causes of what they hold, but not the thing itself.
    let report = Report::foreign(io::Error::other(Report::new(io::Error::other(no_sites()))));
    assert!(matches!(report.find(), Some(PublishError::NoSites)));
    assert!(report.find::<InvalidValue>().is_none() && report.downcast_ref::<Report>().is_none());
}
