//! Each exit code of `rsync` that a test can provoke gives its own error, with a hint.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netboot_core::{Context, ErrorClass, Event};
use netboot_publish::{Error, RsyncFailureKind, RsyncStore, RsyncTarget, Store};
use netboot_testbed::{ReservedPort, RsyncModule};

use crate::patience::PATIENCE;
use crate::rsync;
use crate::rsync::{DaemonSite, SshSite, failure, kind, path, upload};

async fn send(store: &RsyncStore) -> Error {
    store.send(vec![upload("blobs/a", "a")], &Context::new()).await.unwrap_err()
}

async fn look(store: &RsyncStore) -> Error {
    store.stat(&[path("blobs/a")]).await.unwrap_err()
}

#[tokio::test]
async fn a_module_that_can_only_be_read_is_named() {
    let site = DaemonSite::with(|module| module.with("read only = yes"));
    let store = site.builder("").build().unwrap();
    let error = send(&store).await;
    assert_eq!(kind(&error), RsyncFailureKind::ModuleReadOnly, "{error}");
    assert!(store.stat(&[path("blobs/a")]).await.unwrap().is_empty());
    assert!(fs::read_dir(site.published()).unwrap().next().is_none());
}

#[tokio::test]
async fn an_unknown_module_is_named() {
    let site = DaemonSite::new();
    let target = RsyncTarget::daemon("127.0.0.1", site.daemon.port(), "other", "").unwrap();
    let store = RsyncStore::open(target).unwrap();
    for error in [look(&store).await, send(&store).await] {
        assert_eq!(kind(&error), RsyncFailureKind::UnknownModule, "{error}");
        assert_eq!(failure(&error).status().unwrap().code(), Some(5));
    }
    let store = site.builder("").build().unwrap();
    store.send(vec![upload("blobs/a", "a")], &Context::new()).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_an_error_and_shown_nowhere() {
    let site = DaemonSite::with(|module| module.with_user("publisher", "right secret"));
    let target = site.target("here").with_user("publisher").unwrap();
    let builder = || RsyncStore::builder(target.clone());
    let right = builder().password("right secret");
    assert!(!format!("{right:?}").contains("secret"), "{right:?}");
    let right = right.build().unwrap();
    assert!(!format!("{right:?}").contains("secret"));
    right.send(vec![upload("blobs/a", "a")], &Context::new()).await.unwrap();
    assert!(site.published().join("here/blobs/a").is_file());

    let wrong = builder().password("wrong secret").build().unwrap();
    let none = builder().build().unwrap();
    let other = site.target("here").with_user("somebody").unwrap();
    let other = RsyncStore::builder(other).password("right secret").build().unwrap();
    for store in [wrong, none, other] {
        for error in [look(&store).await, send(&store).await] {
            assert_eq!(kind(&error), RsyncFailureKind::AuthenticationFailed, "{error}");
            let shown = format!("{error} {error:?} {}", error.hint().unwrap());
            assert!(!shown.contains("right secret") && !shown.contains("wrong secret"), "{shown}");
        }
    }

    let file = site.work.path().join("password");
    fs::write(&file, "right secret\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let store = builder().password_file(&file).build().unwrap();
    assert_eq!(store.stat(&[path("blobs/a")]).await.unwrap().len(), 1);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = look(&store).await;
    assert_eq!(failure(&error).status().unwrap().code(), Some(1), "{error}");
    assert_eq!(kind(&error), RsyncFailureKind::PasswordFileReadable, "{error}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(store.stat(&[path("blobs/a")]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_daemon_that_refuses_this_host_is_named() {
    let site = DaemonSite::with(|module| module.with("hosts deny = *"));
    let store = site.builder("").build().unwrap();
    let error = look(&store).await;
    assert_eq!(kind(&error), RsyncFailureKind::DaemonRefused, "{error}");
}

#[tokio::test]
async fn a_busy_daemon_is_waited_for_and_then_named() {
    let locks = tempfile::TempDir::new().unwrap();
    let lock = format!("lock file = {}", locks.path().join("lock").display());
    let site = DaemonSite::with(|module| module.with("max connections = 1").with(&lock));
    let store = site.builder("").timeout(Duration::from_secs(20)).build().unwrap();
    let patient = site.builder("").build().unwrap();
    assert!(patient.stat(&[path("blobs/a")]).await.unwrap().is_empty());
    let begin = Instant::now();
    // Another client that does not go on after it has named the module.
    // The daemon's process for the client before this one may still have its place.
    let other = loop {
        let mut other = std::net::TcpStream::connect(("127.0.0.1", site.daemon.port())).unwrap();
        other.write_all(b"@RSYNCD: 31.0\npub\n").unwrap();
        let (mut said, mut byte) = (String::new(), [0]);
        while !said.contains("@RSYNCD: OK") && matches!(other.read(&mut byte), Ok(1)) {
            said.push(char::from(byte[0]));
        }
        if said.contains("@RSYNCD: OK") {
            break other;
        }
        assert!(begin.elapsed() < PATIENCE, "{said}");
    };
    let error = look(&store).await;
    assert_eq!(kind(&error), RsyncFailureKind::Busy, "{error}");
    assert!(error.hint().unwrap().contains("max connections"));
    drop(other);
    assert!(patient.stat(&[path("blobs/a")]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_module_whose_directory_is_gone_is_named() {
    let site = DaemonSite::new();
    fs::remove_dir(site.published()).unwrap();
    let store = site.builder("").build().unwrap();
    for error in [look(&store).await, send(&store).await] {
        assert_eq!(kind(&error), RsyncFailureKind::DirectoryMissing, "{error}");
    }
}

#[tokio::test]
async fn a_missing_parent_is_an_error_and_the_last_part_is_made() {
    let site = DaemonSite::new();
    let ssh = SshSite::new();
    let missing = |root: &Path| root.join("missing/last").to_str().unwrap().to_owned();
    let stores = [
        site.builder("missing/last").build().unwrap(),
        ssh.builder(Path::new(&missing(&ssh.published()))).build().unwrap(),
    ];
    for (store, root) in stores.into_iter().zip([site.published(), ssh.published()]) {
        let error = send(&store).await;
        assert_eq!(kind(&error), RsyncFailureKind::DirectoryMissing, "{error}");
        // The directory is still empty.
        assert!(store.stat(&[path("blobs/a")]).await.unwrap().is_empty());
        assert!(store.read(&path("blobs/a")).await.unwrap().is_none());
        fs::create_dir(root.join("missing")).unwrap();
        store.send(vec![upload("blobs/a", "a")], &Context::new()).await.unwrap();
        assert_eq!(fs::read(root.join("missing/last/blobs/a")).unwrap(), b"a");
    }
}

#[tokio::test]
async fn hosts_that_cannot_be_reached_are_told_apart() {
    let ssh = SshSite::new();
    let closed = ReservedPort::new();
    let port = closed.number();
    let target = |text: &str| -> RsyncTarget { text.parse().unwrap() };
    for (target, expected) in [
        (target(&format!("rsync://127.0.0.1:{port}/pub")), RsyncFailureKind::ConnectionRefused),
        (target("rsync://no-such-host.invalid/pub"), RsyncFailureKind::HostNotFound),
        (target("127.0.0.1:/srv").with_port(port), RsyncFailureKind::ConnectionRefused),
        (target("no-such-host.invalid:/srv"), RsyncFailureKind::HostNotFound),
    ] {
        let builder = RsyncStore::builder(target);
        let store = builder.known_hosts_file("/dev/null").build();
        let store = store.unwrap();
        for error in [look(&store).await, send(&store).await] {
            assert_eq!(kind(&error), expected, "{error}");
            assert_eq!(error.class(), ErrorClass::Unreachable, "{error}");
        }
    }
    // The server on this port is not an rsync daemon.
    let target = RsyncTarget::daemon("127.0.0.1", ssh.server.port(), "pub", "").unwrap();
    let error = look(&RsyncStore::open(target).unwrap()).await;
    assert_eq!(kind(&error), RsyncFailureKind::Protocol, "{error}");
}

#[tokio::test]
async fn a_far_side_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let target = RsyncTarget::daemon("127.0.0.1", port, "pub", "").unwrap();
    let builder = RsyncStore::builder(target).timeout(Duration::from_secs(1));
    let error = look(&builder.build().unwrap()).await;
    assert_eq!(kind(&error), RsyncFailureKind::TimedOut, "{error}");
}

#[tokio::test]
async fn a_directory_that_is_not_writable_is_named() {
    let nobody = |module: RsyncModule| module.with("uid = nobody").with("gid = nogroup");
    let root = rustix::process::geteuid().is_root();
    let site = DaemonSite::with(|module| if root { nobody(module) } else { module });
    fs::set_permissions(site.work.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(site.published(), fs::Permissions::from_mode(0o555)).unwrap();
    let store = site.builder("").build().unwrap();
    let error = send(&store).await;
    fs::set_permissions(site.published(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(kind(&error), RsyncFailureKind::PermissionDenied, "{error}");
}

#[tokio::test]
async fn a_far_side_that_does_not_sync_is_gone_without_and_told_once() {
    let site = DaemonSite::with(|module| module.with("refuse options = fsync"));
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let context = {
        let warnings = warnings.clone();
        Context::new().with_events(move |event: Event| {
            if let Event::Warning { message, hint, .. } = event {
                assert!(hint.is_some());
                warnings.lock().unwrap().push(message);
            }
        })
    };
    let store = site.builder("").build().unwrap();
    for name in ["blobs/a", "blobs/b"] {
        store.send(vec![upload(name, "a")], &context).await.unwrap();
    }
    assert_eq!(warnings.lock().unwrap().len(), 1, "{warnings:?}");
    assert!(site.published().join("blobs/b").is_file());

    let site = DaemonSite::with(|module| module.with("refuse options = delete*"));
    let store = site.builder("").build().unwrap();
    store.send(vec![upload("blobs/a", "a")], &Context::new()).await.unwrap();
    let error = store.delete(&[path("blobs/a")], &Context::new()).await.unwrap_err();
    assert_eq!(kind(&error), RsyncFailureKind::OptionRefused, "{error}");
}

#[tokio::test]
async fn what_ssh_and_the_account_refuse_is_told_apart() {
    let ssh = SshSite::new();
    let plain = ssh.work.path().join("plain");
    fs::write(&plain, "not a program").unwrap();
    let published = ssh.published();
    for (options, expected) in [
        ("command=\"/nonexistent/rsync\"".to_owned(), RsyncFailureKind::RsyncMissingThere),
        (format!("command=\"{}\"", plain.display()), RsyncFailureKind::RemoteShell),
        (
            "command=\"echo Welcome to this host; exec $SSH_ORIGINAL_COMMAND\"".to_owned(),
            RsyncFailureKind::Protocol,
        ),
        (
            rsync::restricted(&format!("-ro {}", published.display())),
            RsyncFailureKind::RestrictedAccount,
        ),
        ("command=\"internal-sftp\"".to_owned(), RsyncFailureKind::Protocol),
        ("command=\"/usr/sbin/nologin\"".to_owned(), RsyncFailureKind::Protocol),
    ] {
        let builder = ssh.builder_as(&rsync::new_name("key"), &options, "/");
        let error = send(&builder.build().unwrap()).await;
        assert_eq!(kind(&error), expected, "{options}: {error}");
    }
    let options = rsync::restricted(&format!("-wo {}", published.display()));
    let store = ssh.builder_as("write-only", &options, "/").build().unwrap();
    let error = look(&store).await;
    assert_eq!(kind(&error), RsyncFailureKind::RestrictedAccount, "{error}");
}

#[tokio::test]
async fn programs_that_are_missing_or_others_are_named() {
    let site = DaemonSite::new();
    let store = site.builder("").rsync_program("/nonexistent/rsync").build().unwrap();
    let error = send(&store).await;
    assert_eq!(kind(&error), RsyncFailureKind::ProgramMissing, "{error}");
    assert!(std::error::Error::source(failure(&error)).is_some());
    let store = site.builder("").rsync_program("/bin/true").build().unwrap();
    let error = send(&store).await;
    assert!(matches!(error, Error::RsyncTooOld { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("3.1"));
    let ssh = SshSite::new();
    let store = ssh.builder(&ssh.published()).ssh_program("/nonexistent/ssh").build().unwrap();
    let error = send(&store).await;
    assert_eq!(kind(&error), RsyncFailureKind::SshMissing, "{error}");
    // The hints: with the right programs, both work.
    let (rsync, client) = (netboot_testbed::tool("rsync"), netboot_testbed::tool("ssh"));
    for store in [
        site.builder("").rsync_program(&rsync).build().unwrap(),
        ssh.builder(&ssh.published()).ssh_program(client).build().unwrap(),
    ] {
        store.send(vec![upload("blobs/a", "a")], &Context::new()).await.unwrap();
    }
}
