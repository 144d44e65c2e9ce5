//! Hints about an rsync daemon, about the network, and about this machine's `rsync`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use netboot_core::Context;
use netboot_publish::{Error, RsyncFailureKind, RsyncStore, RsyncStoreBuilder, RsyncTarget, Store};
use netboot_testbed::{FaultProxy, RsyncModule, StreamFault, TestProcess, tool, write_program};
use tempfile::TempDir;

use super::{hint, listening};
use crate::rsync::{DaemonSite, SshSite, failure, kind, path, upload};
use crate::site;

async fn send(store: &RsyncStore) -> Result<(), Error> {
    store.send(vec![upload("blobs/a", "a")], &Context::new()).await
}

async fn delete(store: &RsyncStore) -> Result<(), Error> {
    store.delete(&[path("blobs/a")], &Context::new()).await
}

/// Changes the daemon's configuration, which it reads for each connection.
fn configure(site: &DaemonSite, from: &str, to: &str) {
    let file = site.work.path().join("daemon/rsyncd.conf");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

#[tokio::test]
async fn a_daemon_that_refuses_is_configured() {
    for (line, right, text) in [
        ("read only = yes", "read only = no", "set `read only = no` for the module in rsyncd.conf"),
        ("hosts deny = *", "", "check `hosts allow` and `hosts deny` of the daemon"),
        (
            "refuse options = delete*",
            "",
            "remove the named option from the daemon's `refuse options`; if none is named, remove",
        ),
        (
            "refuse options = perms",
            "",
            "remove the named option from the daemon's `refuse options`; if none is named, remove",
        ),
    ] {
        let site = DaemonSite::with(|module| module.with(line));
        let store = site.builder("").build().unwrap();
        let error = match send(&store).await {
            Ok(()) => delete(&store).await.unwrap_err(),
            Err(error) => error,
        };
        hint(&error, text);
        configure(&site, line, right);
        send(&store).await.unwrap();
        delete(&store).await.unwrap();
        assert!(!site.published().join("blobs/a").exists());
    }
}

#[tokio::test]
async fn a_far_side_that_cannot_sync_is_allowed_to() {
    let site = DaemonSite::with(|module| module.with("refuse options = fsync"));
    let text = "install rsync 3.2.4 or later there, or allow `fsync`; until then, files may not";
    let warned = async || {
        let (context, warnings) = listening();
        let store = site.builder("").build().unwrap();
        store.send(vec![upload("blobs/a", "a")], &context).await.unwrap();
        warnings.lock().unwrap().iter().any(|(_, hint)| hint.starts_with(text))
    };
    assert!(warned().await);
    configure(&site, "refuse options = fsync", "");
    assert!(!warned().await);
}

#[tokio::test]
async fn the_right_host_and_port_are_named() {
    let (mut daemon, mut ssh) = (DaemonSite::new(), SshSite::new());
    // Another server listens on that port.
    let target = RsyncTarget::daemon("127.0.0.1", ssh.server.port(), "pub", "").unwrap();
    let error = send(&RsyncStore::open(target.clone()).unwrap()).await.unwrap_err();
    hint(&error, "check that an rsync daemon listens on this port");
    let right = RsyncStore::open(target.with_port(daemon.daemon.port())).unwrap();
    send(&right).await.unwrap();
    // No server listens.
    daemon.daemon.kill();
    hint(
        &send(&right).await.unwrap_err(),
        "check the port, and that the rsync daemon is running there",
    );
    daemon.daemon.restart();
    send(&right).await.unwrap();
    let by_ssh = ssh.builder(&ssh.published()).build().unwrap();
    ssh.server.kill();
    hint(&send(&by_ssh).await.unwrap_err(), "check the port, and that sshd is running there");
    ssh.server.restart();
    send(&by_ssh).await.unwrap();
    // No host has the name.
    let port = daemon.daemon.port();
    let unknown = RsyncTarget::daemon("no-such-host.invalid", port, "pub", "").unwrap();
    let error = send(&RsyncStore::open(unknown).unwrap()).await.unwrap_err();
    hint(&error, "check the host name and this machine's name servers");
    let known = RsyncTarget::daemon("localhost", port, "pub", "").unwrap();
    send(&RsyncStore::open(known).unwrap()).await.unwrap();
}

/// Runs in its own network, where the interface is down at first.
#[test]
fn a_network_that_is_down_is_set_up() {
    let name = "followed_hints::daemons::a_network_that_is_down_is_set_up";
    if !TestProcess::with_network(name).is_this() {
        return;
    }
    let set = |state: &str| site::run("ip", &["link", "set", "lo", state]);
    set("up");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let site = DaemonSite::new();
        let store = site.builder("").build().unwrap();
        set("down");
        let error = send(&store).await.unwrap_err();
        hint(&error, "check the address, the network, and the firewalls in between");
        set("up");
        send(&store).await.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_far_side_gets_more_time() {
    let site = DaemonSite::new();
    let chunks = Arc::new(AtomicUsize::new(0));
    let count = chunks.clone();
    let address = ([127, 0, 0, 1], site.daemon.port()).into();
    let proxy = FaultProxy::stream(address, move |_| {
        let is_slow = count.fetch_add(1, Ordering::SeqCst) == 3;
        if is_slow { StreamFault::Delay(Duration::from_secs(4)) } else { StreamFault::None }
    });
    let target = RsyncTarget::daemon("127.0.0.1", proxy.address().port(), "pub", "").unwrap();
    let impatient = RsyncStore::builder(target.clone()).timeout(Duration::from_secs(1));
    let error = impatient.build().unwrap().stat(&[path("blobs/a")]).await.unwrap_err();
    hint(
        &error,
        "check the network and the load of that machine, or raise `timeout` in the store's",
    );
    chunks.store(0, Ordering::SeqCst);
    RsyncStore::open(target).unwrap().stat(&[path("blobs/a")]).await.unwrap();
}

#[tokio::test]
async fn what_is_in_the_way_at_the_far_side_is_moved() {
    let site = DaemonSite::new();
    // A file in the place of the target, and of a directory above it.
    fs::write(site.published().join("file"), "a file").unwrap();
    let text = "check the path of the target";
    for target in ["file", "file/new"] {
        let error = send(&site.builder(target).build().unwrap()).await.unwrap_err();
        assert_eq!(kind(&error), RsyncFailureKind::FileSelection, "{error}");
        hint(&error, text);
        let named = failure(&error).last_lines().iter().any(|line| line.contains(target));
        assert!(named, "{error}");
        send(&site.builder("another").build().unwrap()).await.unwrap();
    }
    fs::rename(site.published().join("file"), site.published().join("moved")).unwrap();
    send(&site.builder("file").build().unwrap()).await.unwrap();

    // A directory in the place of a file.
    let store = site.builder("third").build().unwrap();
    send(&store).await.unwrap();
    let blob = site.published().join("third/blobs/a");
    fs::remove_file(&blob).unwrap();
    fs::create_dir_all(blob.join("below")).unwrap();
    let error = send(&store).await.unwrap_err();
    hint(&error, "read the names of the files in the last lines of its output");
    let named = failure(&error).last_lines().iter().any(|line| line.contains("blobs/a"));
    assert!(named, "{error}");
    fs::rename(&blob, site.published().join("a-directory")).unwrap();
    send(&store).await.unwrap();
}

#[tokio::test]
async fn an_account_without_access_gets_it() {
    let nobody = |module: RsyncModule| module.with("uid = nobody").with("gid = nogroup");
    let root = rustix::process::geteuid().is_root();
    let site = DaemonSite::with(|module| if root { nobody(module) } else { module });
    let set = |place: &Path, mode| {
        fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
    };
    set(site.work.path(), 0o755);
    set(&site.published(), 0o555);
    let store = site.builder("").build().unwrap();
    let error = send(&store).await.unwrap_err();
    hint(&error, "give the account write access to the directory");
    set(&site.published(), 0o777);
    send(&store).await.unwrap();
}

#[test]
fn a_read_only_file_system_there_is_mounted_writable() {
    let name = "followed_hints::daemons::a_read_only_file_system_there_is_mounted_writable";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let site = DaemonSite::new();
        let place = site.published();
        let place = place.to_str().unwrap();
        let mount = |options: &str| {
            let options =
                ["--options-mode", "ignore", "-t", "tmpfs", "-o", options, "tmpfs", place];
            site::run("mount", &options);
        };
        mount("ro");
        // The daemon runs in the directory as it was before.
        let store = site.builder("").build().unwrap();
        let error = send(&store).await.unwrap_err();
        hint(&error, "mount it writable there; netboot changed nothing");
        mount("remount,rw");
        send(&store).await.unwrap();
        let DaemonSite { daemon, work: _work } = site;
        drop(daemon);
        site::unmount(place);
    });
}

/// Makes a program that says its version as `rsync` does, and runs a shell script otherwise.
fn wrapper(directory: &Path, script: &str) -> std::path::PathBuf {
    let program = directory.join("rsync");
    let real = tool("rsync");
    let version = format!("[ \"$1\" = --version ] && exec {} --version", real.display());
    let script = script.replace("RSYNC", &real.display().to_string());
    write_program(&program, &format!("#!/bin/sh\n{version}\n{script}\n"));
    program
}

#[tokio::test]
async fn what_this_machine_s_rsync_says_is_read_and_mended() {
    let (site, work) = (DaemonSite::new(), TempDir::new().unwrap());
    let builder = |script: &str| -> RsyncStoreBuilder {
        site.builder("").rsync_program(wrapper(work.path(), script))
    };
    for (script, text, said) in [
        (
            "echo 'the quota of runs is used up' >&2; exit 77",
            "look for the cause in the last lines of its output",
            "the quota of runs is used up",
        ),
        (
            "exec RSYNC --max-size=x \"$@\"",
            "read in the last lines of its output what it refuses",
            "max-size",
        ),
    ] {
        let error = send(&builder(script).build().unwrap()).await.unwrap_err();
        hint(&error, text);
        let is_said = failure(&error).last_lines().iter().any(|line| line.contains(said));
        assert!(is_said, "{error}");
        send(&builder("exec RSYNC \"$@\"").build().unwrap()).await.unwrap();
    }
}
