//! Messages about failed publishing, retention and rollback.

use std::io;

use netboot_core::Context;
use netboot_ipxe::Renderer;
use netboot_publish::{
    ActivationPolicy, Error, LocalStore, Publisher, RsyncStore, S3Failure, Sites,
};
use netboot_testbed::ReservedPort;

use super::booting::image;
use super::{Said, all, error, path, release, run};

fn s3(failure: S3Failure) -> String {
    let (action, url) = ("write", "s3://boot/nixos/current.ipxe".to_owned());
    let source: Box<dyn std::error::Error + Send + Sync> = "the server's answer".into();
    error(Error::S3 { action, url, failure, source })
}

pub(super) fn said() -> Vec<Said> {
    let mut said = of_the_target();
    said.extend(of_releases());
    said.extend(of_other_stores());
    said
}

fn of_the_target() -> Vec<Said> {
    let full = Error::StorageFull {
        path: "/srv/pxe/nixos/blobs/5b…".into(),
        source: io::ErrorKind::StorageFull.into(),
    };
    let denied = Error::PermissionDenied {
        action: "create",
        path: "/srv/pxe/nixos/blobs".into(),
        source: io::ErrorKind::PermissionDenied.into(),
    };
    let read_only = Error::ReadOnly {
        path: "/srv/pxe/nixos".into(),
        source: io::ErrorKind::ReadOnlyFilesystem.into(),
    };
    let foreign =
        Error::ForeignFile { path: path("boot.ipxe"), store: "/srv/pxe/nixos".to_owned() };
    vec![
        ("target-full", error(full)),
        ("target-missing", error(Error::NoSuchDirectory { path: "/srv/pxe".into() })),
        ("target-denied", error(denied)),
        ("target-read-only", error(read_only)),
        ("target-foreign", error(foreign)),
    ]
}

fn of_releases() -> Vec<Said> {
    let conflict = Error::Conflict {
        pointer: "current".parse().unwrap(),
        expected: Some(release("old")),
        found: Some(release("theirs")),
    };
    let nothing = Error::NothingToRollBackTo { pointer: "current".parse().unwrap() };
    vec![
        ("conflict", error(conflict)),
        ("not-staged", error(Error::NotStaged { release: release("pruned") })),
        ("nothing-to-roll-back-to", error(nothing)),
        ("sites", sites()),
    ]
}

/// The message for a release that is published to two sites, one of which does not exist.
fn sites() -> String {
    let directory = tempfile::TempDir::new().unwrap();
    let tokyo = directory.path().join("tokyo");
    let nowhere = directory.path().join("gone/osaka");
    let sites = Sites::builder()
        .site("osaka", Publisher::new(LocalStore::new(&nowhere)))
        .site("tokyo", Publisher::new(LocalStore::new(&tokyo)))
        .policy(ActivationPolicy::AllOrNone)
        .build()
        .unwrap();
    let release = Renderer::builder().build().unwrap().render_release([image("worker")]).unwrap();
    let report = run(sites.publish(&release, &Context::new()));
    let said = error(report.ensure_live_everywhere().unwrap_err());
    said.replace(directory.path().to_str().unwrap(), "/srv")
}

fn of_other_stores() -> Vec<Said> {
    let failures = [
        S3Failure::NoSuchBucket,
        S3Failure::UnknownAccessKey,
        S3Failure::WrongSecretKey,
        S3Failure::AccessDenied,
        S3Failure::ClockSkew,
        S3Failure::ConnectionRefused,
        S3Failure::Tls,
        S3Failure::TimedOut,
        S3Failure::StorageFull,
    ];
    vec![
        ("s3-failures", all(failures, |failure| s3(failure.clone()))),
        ("rsync-refused", rsync_refused()),
    ]
}

/// The message for an rsync daemon that does not run.
fn rsync_refused() -> String {
    let closed = ReservedPort::new();
    let host = closed.address().to_string();
    let target = format!("rsync://{host}/boot/nixos").parse().unwrap();
    let store = RsyncStore::builder(target).build().unwrap();
    let said = error(run(Publisher::new(store).live()).unwrap_err());
    said.replace(&host, "boot.example.net")
}
