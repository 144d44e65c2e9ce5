//! A store has one ssh connection, which ends with the store and with the process.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use netboot_core::{CancellationToken, Context};
use netboot_publish::{
    Publisher, RollbackTo, RsyncFailureKind, RsyncStore, Store, VerifyDepth, VerifyScope,
};
use netboot_testbed::{SshServer, TestProcess};

use crate::patience::until;
use crate::rsync;
use crate::rsync::{SshSite, kind, path, processes_with, upload};
use crate::site;

/// Finds the ssh masters that run in a directory below `work`.
fn masters(work: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(command) = fs::read(entry.path().join("cmdline")) else { continue };
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let Ok(directory) = fs::read_link(entry.path().join("cwd")) else { continue };
        if command.contains(" -M -N ") && directory.starts_with(work) {
            found.push(command);
        }
    }
    found
}

async fn until_none(work: &Path) {
    until("the end of all masters", || masters(work).is_empty()).await;
}

/// A store with its private directories below `staging`.
fn store(site: &SshSite, options: &str, place: &str) -> RsyncStore {
    let staging = site.work.path().join("staging");
    fs::create_dir_all(&staging).unwrap();
    let builder = site.builder_as(&rsync::new_name("key"), options, place);
    builder.staging_directory(staging).build().unwrap()
}

fn with_shell(site: &SshSite) -> RsyncStore {
    store(site, "", site.published().to_str().unwrap())
}

async fn send(store: &RsyncStore, place: &str) {
    store.send(vec![upload(place, "text")], &Context::new()).await.unwrap();
}

/// Publishes, verifies and rolls back.
async fn work(site: &SshSite, publisher: &Publisher) {
    let context = Context::new();
    for name in ["first", "second"] {
        let release = site::release(site.work.path(), name, 50_000).await;
        publisher.publish(&release, &context).await.unwrap();
    }
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    assert!(publisher.verify(scope, depth, &context).await.unwrap().is_clean());
    publisher.rollback(RollbackTo::Previous, &context).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_work_of_a_store_is_one_connection() {
    let site = SshSite::new();
    for (number, store) in [
        with_shell(&site),
        store(&site, &rsync::restricted(site.published().to_str().unwrap()), "/restricted"),
    ]
    .into_iter()
    .enumerate()
    {
        let publisher = Publisher::new(store);
        work(&site, &publisher).await;
        assert_eq!(site.server.logins(), number + 1, "{}", site.server.log());
        assert!(!masters(site.work.path()).is_empty());
        drop(publisher);
        until_none(site.work.path()).await;
    }
    let staging = site.work.path().join("staging");
    assert_eq!(fs::read_dir(staging).unwrap().count(), 0, "a private directory is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lets_few_share_a_connection_is_connected_to_more_often() {
    let work_directory = tempfile::TempDir::new().unwrap();
    fs::create_dir(work_directory.path().join("published")).unwrap();
    let directory = work_directory.path().join("sshd");
    let server = SshServer::start_with(&directory, &["MaxSessions 1"]);
    let site = SshSite { server, work: work_directory };
    let store = with_shell(&site);
    let publisher = Publisher::new(store.clone());
    work(&site, &publisher).await;
    let looking = (0..8).map(async |number| {
        let missing = path(&format!("missing/{number}"));
        assert!(store.read(&missing).await.unwrap().is_none());
    });
    futures::future::join_all(looking).await;
    assert!(site.server.logins() > 1, "no run was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_started_again_is_connected_to_again() {
    let mut site = SshSite::new();
    let store = with_shell(&site);
    send(&store, "blobs/a").await;
    for round in 1..4 {
        let before = site.server.logins();
        match round {
            1 => site.server.restart(),
            2 => site.server.kill_sessions(),
            _ => {
                site.server.kill();
                let error = store.stat(&[path("blobs/a")]).await.unwrap_err();
                assert_eq!(kind(&error), RsyncFailureKind::ConnectionRefused, "{error}");
                site.server.restart();
            }
        }
        assert_eq!(store.stat(&[path("blobs/a")]).await.unwrap().len(), 1);
        send(&store, &format!("blobs/{round}")).await;
        // A run that meets the dying connection opens its own, so there may be one extra login.
        let logins = site.server.logins();
        assert!((before + 1..=before + 2).contains(&logins), "{}", site.server.log());
        assert_eq!(store.stat(&[path("blobs/a")]).await.unwrap().len(), 1);
        assert_eq!(site.server.logins(), logins, "{}", site.server.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_no_connection() {
    let site = SshSite::new();
    for wait in [0, 30, 100, 250, 500] {
        let store = with_shell(&site);
        let token = CancellationToken::new();
        let context = Context::new().with_cancellation(token.clone());
        let sending =
            tokio::spawn(async move { store.send(vec![upload("blobs/a", "a")], &context).await });
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if wait % 100 == 0 {
            token.cancel();
            let _ = sending.await.unwrap();
        } else {
            sending.abort();
        }
        until_none(site.work.path()).await;
    }
}

const TARGET: &str = "NETBOOT_TEST_SSH_TARGET";

/// Sends a file to the target in the variable, and waits until it is killed or its standard input
/// ends. Another test runs this test in a process of its own. Without the variable, it only sends
/// the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_holds_a_connection() {
    let Some(target) = std::env::var_os(TARGET) else {
        let site = SshSite::new();
        let store = with_shell(&site);
        send(&store, "blobs/a").await;
        assert!(site.published().join("blobs/a").is_file());
        return;
    };
    let target = target.into_string().unwrap();
    let [user, port, root, identity, host_key, staging] =
        target.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let target =
        netboot_publish::RsyncTarget::ssh(user, "127.0.0.1", port.parse().unwrap(), root).unwrap();
    let store = RsyncStore::builder(target)
        .identity_file(identity)
        .host_key(host_key)
        .staging_directory(staging)
        .build()
        .unwrap();
    send(&store, "blobs/a").await;
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
async fn a_process_that_is_killed_takes_its_connection_with_it() {
    let site = SshSite::new();
    let staging = site.work.path().join("staging");
    fs::create_dir(&staging).unwrap();
    let target = [
        site.server.user(),
        &site.server.port().to_string(),
        site.published().to_str().unwrap(),
        site.server.authorize("killed", "").to_str().unwrap(),
        &site.server.host_key(),
        staging.to_str().unwrap(),
    ]
    .join("\n");
    let mut process = TestProcess::new("rsync_connection::a_process_holds_a_connection")
        .command()
        .env(TARGET, target)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    until("the arrival of the file", || site.published().join("blobs/a").is_file()).await;
    assert!(!masters(site.work.path()).is_empty());
    process.kill().unwrap();
    process.wait().expect("it was killed");
    until_none(site.work.path()).await;
    let site = site.work.path().to_str().unwrap().to_owned() + "/killed";
    // The programs that it started end a moment later.
    until("the end of every process", || processes_with(&site).is_empty()).await;
}
