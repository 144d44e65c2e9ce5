//! Interrupted and cancelled transfers, and full disks: the live release stays, complete files are
//! not sent again, and no process stays.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use netboot_core::{CancellationToken, Context, Event};
use netboot_publish::{
    Entry, Error, ListScope, Publisher, RsyncFailureKind, RsyncStore, Store, Upload,
};
use netboot_testbed::TestProcess;

use tokio::task::JoinHandle;

use crate::patience::{soon, until};
use crate::rsync::{DaemonSite, SshSite, kind, path, processes_with, upload};
use crate::site;

const SIZE: usize = 12_000_000;
/// A rate that is low enough to interrupt a transfer: on a busy machine too, a test looks at the
/// file more than once in the twenty seconds in which it grows to its size.
const LIMIT: u64 = 512 * 1024;
/// The size of a partial file at which a test cuts the connection.
const CUT: u64 = 1_000_000;

/// Bytes without repetitions.
pub(crate) fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let next = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()
    });
    next.take(SIZE / 8).flatten().collect()
}

/// Waits until a file that is being written below `root` has grown to `size` bytes. Fails at once
/// if the transfer ends before.
async fn until_half_written<T>(root: &Path, size: u64, sending: &JoinHandle<T>) {
    let is_half_written = |entry: walkdir::DirEntry| {
        let is_temporary = entry.file_name().to_string_lossy().starts_with('.');
        is_temporary && entry.metadata().is_ok_and(|file| file.is_file() && file.len() > size)
    };
    let grows = || {
        assert!(!sending.is_finished(), "the transfer ended before it was cut");
        walkdir::WalkDir::new(root).into_iter().flatten().any(is_half_written)
    };
    until("the growth of a file", grows).await;
}

/// Cuts the connection in the middle. The next run continues the partial file.
async fn cut_and_resume(store: RsyncStore, fast: RsyncStore, root: &Path, cut: impl FnOnce()) {
    let bytes = noise();
    let sending = {
        let (store, upload) = (store.clone(), upload("blobs/large", bytes.clone()));
        tokio::spawn(async move { store.send(vec![upload], &Context::new()).await })
    };
    until_half_written(root, CUT, &sending).await;
    cut();
    let error = sending.await.unwrap().unwrap_err();
    assert_eq!(kind(&error), RsyncFailureKind::ConnectionLost, "{error}");
    assert!(store.stat(&[path("blobs/large")]).await.unwrap().is_empty());
    let listed = store.list(&ListScope::Below(path("blobs"))).await.unwrap();
    assert!(listed.is_empty(), "{listed:?}");

    // The partial file that the daemon keeps.
    let kept: u64 = walkdir::WalkDir::new(root)
        .into_iter()
        .flatten()
        .filter(|entry| entry.path().to_string_lossy().contains(".netboot-partial/"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    let before = sent_bytes();
    fast.send(vec![upload("blobs/large", bytes.clone())], &Context::new()).await.unwrap();
    let sent = sent_bytes() - before;
    println!("{kept} bytes had arrived, {sent} of {} were sent anew", bytes.len());
    assert!(fs::read(root.join("blobs/large")).unwrap() == bytes);
    assert!(kept == 0 || sent < SIZE as u64 - kept / 2, "{sent} bytes were sent, {kept} were kept");
}

/// The bytes that this network namespace has sent over its loopback interface.
fn sent_bytes() -> u64 {
    let counts = fs::read_to_string("/proc/self/net/dev").unwrap();
    let loopback = counts.lines().find_map(|line| line.trim().strip_prefix("lo:")).unwrap();
    loopback.split_whitespace().nth(8).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_is_resumed() {
    let daemon = DaemonSite::new();
    let store = daemon.builder("").bandwidth_limit(LIMIT).build().unwrap();
    let fast = daemon.builder("").build().unwrap();
    // Kill the client. The far side keeps the partial file.
    let cut = || end_processes(&format!("rsync://127.0.0.1:{}/", daemon.daemon.port()));
    let bytes = noise();
    let sending = {
        let upload = upload("blobs/large", bytes.clone());
        tokio::spawn(async move { store.send(vec![upload], &Context::new()).await })
    };
    until_half_written(&daemon.published(), CUT, &sending).await;
    cut();
    let error = sending.await.unwrap().unwrap_err();
    assert_eq!(kind(&error), RsyncFailureKind::Interrupted, "{error}");
    let partial = daemon.published().join("blobs/.netboot-partial/large");
    until("a partial file", || partial.exists()).await;
    let kept = fs::metadata(&partial).unwrap().len();
    // The numbers of bytes that the daemon received, from its log. It writes them at its end.
    let received = || -> Vec<u64> {
        let log = daemon.daemon.log();
        let number = |line: &str| line.split_once("received ")?.1.split(' ').next()?.parse().ok();
        log.lines().filter_map(number).collect()
    };
    let before = received();
    fast.send(vec![upload("blobs/large", bytes.clone())], &Context::new()).await.unwrap();
    assert!(fs::read(daemon.published().join("blobs/large")).unwrap() == bytes);
    assert!(!partial.exists() && kept >= CUT);
    let is_new = |count: &u64| *count > 100_000 && !before.contains(count);
    until("the daemon's count", || received().iter().any(is_new)).await;
    let received = received().into_iter().find(is_new).unwrap();
    println!("{kept} of {SIZE} bytes had arrived; {received} were sent to complete them");
    assert!(received < SIZE as u64 - kept + 500_000, "{received} bytes were sent again");
}

/// Ends the processes of this test with a text in their command line, as a user would do it.
fn end_processes(text: &str) {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(command) = fs::read(entry.path().join("cmdline")) else { continue };
        if String::from_utf8_lossy(&command).contains(text) {
            let id = entry.file_name().to_str().unwrap().to_owned();
            site::run("kill", &["-TERM", &id]);
        }
    }
}

/// Runs the test in its own network, where nothing else sends data.
#[test]
fn a_far_side_that_dies_is_a_lost_connection() {
    let name = "rsync_transfer::a_far_side_that_dies_is_a_lost_connection";
    if !TestProcess::with_network(name).is_this() {
        return;
    }
    site::run("ip", &["link", "set", "lo", "up"]);
    tokio::runtime::Runtime::new().unwrap().block_on(the_far_side_dies());
}

async fn the_far_side_dies() {
    let daemon = DaemonSite::new();
    let store = daemon.builder("").bandwidth_limit(LIMIT).build().unwrap();
    let fast = daemon.builder("").build().unwrap();
    cut_and_resume(store, fast, &daemon.published(), || daemon.daemon.kill_sessions()).await;
    let ssh = SshSite::new();
    let store = ssh.builder(&ssh.published()).bandwidth_limit(LIMIT).build().unwrap();
    let fast = ssh.builder(&ssh.published()).build().unwrap();
    cut_and_resume(store, fast, &ssh.published(), || ssh.server.kill_sessions()).await;
}

/// Waits until no process has this text in its command line.
async fn until_gone(text: &str) {
    until(&format!("the end of {text}"), || processes_with(text).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_and_dropping_end_rsync_and_ssh() {
    let ssh = SshSite::new();
    let daemon = DaemonSite::new();
    let published = ssh.published();
    let stores = [
        (ssh.builder(&published).bandwidth_limit(LIMIT).build().unwrap(), published.clone()),
        (daemon.builder("").bandwidth_limit(LIMIT).build().unwrap(), daemon.published()),
    ];
    for (store, root) in stores {
        let text = store.target().to_string();
        let text = text.split(" (port").next().unwrap().to_owned() + "/";
        for drop_it in [false, true] {
            let token = CancellationToken::new();
            let context = Context::new().with_cancellation(token.clone());
            let sending = {
                let (store, upload) = (store.clone(), upload("blobs/large", noise()));
                tokio::spawn(async move { store.send(vec![upload], &context).await })
            };
            until_half_written(&root, CUT / 2, &sending).await;
            assert!(!processes_with(&text).is_empty());
            if drop_it {
                sending.abort();
            } else {
                token.cancel();
                assert!(matches!(soon(sending).await.unwrap(), Err(Error::Cancelled)));
                assert_eq!(processes_with(&text), Vec::<String>::new());
            }
            until_gone(&text).await;
            until_gone(root.to_str().unwrap()).await;
            assert!(!root.join("blobs/large").exists());
            let _ = fs::remove_dir_all(root.join("blobs"));
        }
    }
}

#[test]
fn a_full_disk_there_leaves_the_live_release_whole() {
    let name = "rsync_transfer::a_full_disk_there_leaves_the_live_release_whole";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let work = tempfile::TempDir::new().unwrap();
        let root = work.path().join("mounted");
        fs::create_dir(&root).unwrap();
        site::run("mount", &["-t", "tmpfs", "-o", "size=3m", "tmpfs", root.to_str().unwrap()]);
        let module = netboot_testbed::RsyncModule::new("pub", &root);
        let daemon = netboot_testbed::RsyncDaemon::start(&work.path().join("daemon"), &[module]);
        let target = netboot_publish::RsyncTarget::daemon("127.0.0.1", daemon.port(), "pub", "");
        let publisher = Publisher::new(RsyncStore::open(target.unwrap()).unwrap());
        let first = site::release(work.path(), "first", 100_000).await;
        publisher.publish(&first, &Context::new()).await.unwrap();
        let second = site::release_of_sizes(work.path(), "second", 4_000_000, 1000).await;
        let error = publisher.publish(&second, &Context::new()).await.unwrap_err();
        assert_eq!(kind(&error), RsyncFailureKind::StorageFull, "{error}");
        assert!(error.hint().unwrap().contains("prune"));
        assert_eq!(site::boot(&root), *first.id());
        let options = ["--options-mode", "ignore", "-o", "remount,size=64m"];
        let root_text = root.to_str().unwrap();
        site::run("mount", &[&options[..], &[root_text]].concat());
        publisher.publish(&second, &Context::new()).await.unwrap();
        assert_eq!(site::boot(&root), *second.id());
        drop(daemon);
        site::unmount(root_text);
    });
}

/// The far side waits between looking for the directory and creating it, so that all runs find it
/// missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_make_the_directory_of_a_new_target_at_once() {
    let site = SshSite::new();
    let slow = site.work.path().join("slow");
    let inject = "inject=mkdir,mkdirat:delay_enter=1000000";
    let script = format!(
        "#!/bin/sh\nexec {} -f -qq -o /dev/null -e {inject} $SSH_ORIGINAL_COMMAND\n",
        netboot_testbed::tool("strace").display()
    );
    netboot_testbed::write_program(&slow, &script);
    let place = site.published().join("new");
    let options = format!("command=\"{}\"", slow.display());
    let builder = site.builder_as("slow", &options, place.to_str().unwrap());
    let sending = (0..3).map(async |number| {
        let store = builder.clone().build().unwrap();
        let upload = upload(&format!("blobs/{number}"), "text");
        store.send(vec![upload], &Context::new()).await.unwrap();
    });
    futures::future::join_all(sending).await;
    assert_eq!(fs::read_dir(place.join("blobs")).unwrap().count(), 3);
}

#[tokio::test]
async fn names_of_others_are_listed_and_unfinished_files_are_not() {
    let site = DaemonSite::new();
    let root = site.published();
    let releases = root.join("releases/x");
    fs::create_dir_all(&releases).unwrap();
    let odd = ["a b", "new\nline", "back\\#012slash", "a -> b", "Käse", ".hidden", "-rf", "$(x)"];
    for name in odd {
        fs::write(releases.join(name), name).unwrap();
    }
    fs::write(releases.join(".manifest.json.Ab12Cd"), "unfinished").unwrap();
    fs::create_dir(releases.join(".netboot-partial")).unwrap();
    fs::write(releases.join(".netboot-partial/manifest.json"), "unfinished").unwrap();
    std::os::unix::fs::symlink("a -> b", releases.join("link -> x")).unwrap();
    site::run("mkfifo", &[releases.join("pipe").to_str().unwrap()]);

    let store = site.builder("").build().unwrap();
    let listed = store.list(&ListScope::Below(path("releases"))).await.unwrap();
    let listed: BTreeMap<String, Entry> =
        listed.into_iter().map(|listed| (listed.path, listed.entry)).collect();
    for name in odd {
        let entry = &listed[&format!("releases/x/{name}")];
        assert_eq!(entry.size(), Some(name.len() as u64), "{name:?}");
    }
    let link = Entry::Link { target: "a -> b".to_owned() };
    assert_eq!(listed["releases/x/link -> x"], link);
    assert_eq!(listed["releases/x/pipe"], Entry::Other);
    assert_eq!(listed.len(), odd.len() + 2, "{listed:?}");
    let found = store.stat(&[path("releases/x"), path("releases")]).await.unwrap();
    assert!(found.values().all(|entry| *entry == Entry::Other) && found.len() == 2);
}

#[tokio::test]
async fn deleting_leaves_what_others_have_and_what_is_not_there() {
    let site = DaemonSite::new();
    let root = site.published();
    fs::create_dir_all(root.join("releases/a/theirs")).unwrap();
    fs::create_dir_all(root.join("releases/b/worker")).unwrap();
    fs::create_dir_all(root.join("blobs")).unwrap();
    for file in ["releases/a/one", "releases/b/worker/x", "blobs/file", "releases/a/theirs/f"] {
        fs::write(root.join(file), file).unwrap();
    }
    let store = site.builder("").build().unwrap();
    let paths = ["releases/a/one", "releases/b/worker/x", "blobs/file/below", "no/such/file"];
    fs::write(root.join("releases/file"), "a file").unwrap();
    let paths = [&paths[..], &["releases/file/below"]].concat();
    let paths: Vec<_> = paths.into_iter().map(path).collect();
    store.delete(&paths, &Context::new()).await.unwrap();
    assert!(!root.join("releases/a/one").exists() && !root.join("releases/b").exists());
    assert!(root.join("releases/a/theirs/f").exists() && root.join("blobs/file").is_file());
    assert!(root.join("releases/file").is_file());
    assert!(!root.join("no").exists(), "a deletion created a directory");
}

#[tokio::test]
async fn directories_that_are_there_keep_their_mode_and_new_ones_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let site = DaemonSite::new();
    let root = site.published();
    let mode = |place: &Path| fs::metadata(place).unwrap().permissions().mode() & 0o7777;
    fs::create_dir(root.join("blobs")).unwrap();
    fs::set_permissions(root.join("blobs"), fs::Permissions::from_mode(0o2775)).unwrap();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o750)).unwrap();
    let store = site.builder("").build().unwrap();
    let uploads = vec![upload("blobs/a", "a"), upload("releases/x/m", "m")];
    store.send(uploads, &Context::new()).await.unwrap();
    assert_eq!((mode(&root), mode(&root.join("blobs"))), (0o750, 0o2775));
    assert_eq!(mode(&root.join("releases/x")), 0o755);
    assert_eq!(mode(&root.join("releases/x/m")), 0o644);
}

#[tokio::test]
async fn this_process_has_no_say_in_how_rsync_runs() {
    let name = "rsync_transfer::this_process_has_no_say_in_how_rsync_runs";
    let process = TestProcess::new(name)
        .env("RSYNC_RSH", "/bin/false")
        .env("RSYNC_PROXY", "127.0.0.1:1")
        .env("RSYNC_PARTIAL_DIR", "/nonexistent");
    if !process.is_this() {
        return;
    }
    let ssh = SshSite::new();
    let daemon = DaemonSite::new();
    for store in
        [ssh.builder(&ssh.published()).build().unwrap(), daemon.builder("").build().unwrap()]
    {
        store.send(vec![upload("blobs/a", "a")], &Context::new()).await.unwrap();
    }
}

#[tokio::test]
async fn progress_is_told_while_a_file_is_on_its_way() {
    let site = DaemonSite::new();
    let store = site.builder("").bandwidth_limit(LIMIT).build().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let context = {
        let seen = seen.clone();
        Context::new().with_events(move |event: Event| {
            if let Event::Progress { done, .. } = event {
                seen.lock().unwrap().push(done);
            }
        })
    };
    let uploads: Vec<Upload> = vec![upload("blobs/large", noise())];
    store.send(uploads, &context).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.is_sorted() && seen.len() > 2, "{seen:?}");
    assert_eq!(seen.last(), Some(&(SIZE as u64)));
}

/// Proves that the search for processes finds processes.
#[tokio::test]
async fn processes_are_found_by_their_command_line() {
    let mut child = Command::new("sleep").arg("61.5").spawn().unwrap();
    // The process gets its command line a moment after its start.
    until("the process", || !processes_with("sleep 61.5").is_empty()).await;
    child.kill().unwrap();
    child.wait().unwrap();
}
