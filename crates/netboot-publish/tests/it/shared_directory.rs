//! A target that several users share: its group and the group's permission are kept. A target that
//! others cannot use or read is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use netboot_core::{Context, Event};
use netboot_publish::{Error, LocalStore, Publisher};
use netboot_testbed::TestProcess;
use tempfile::TempDir;

use crate::rsync::{DaemonSite, SshSite};
use crate::site;

/// The modes of a root, of the directories below it, and of the files.
const MODES: [(u32, u32, u32); 4] = [
    (0o2775, 0o2775, 0o664),
    (0o2755, 0o2755, 0o644),
    (0o775, 0o775, 0o664),
    (0o755, 0o755, 0o644),
];

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn assert_modes(root: &Path, directories: u32, files: u32) {
    let mut count = 0;
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.unwrap();
        let is_own = entry.path().starts_with(root.join(".netboot"));
        if is_own && !entry.file_type().is_dir() {
            continue;
        }
        let found = entry.metadata().unwrap().permissions().mode() & 0o7777;
        let expected = if entry.file_type().is_dir() { directories } else { files };
        assert_eq!(found, expected, "{}", entry.path().display());
        count += 1;
    }
    assert!(count > 10);
}

#[tokio::test]
async fn a_group_that_may_write_to_the_root_may_write_below_it() {
    let work = TempDir::new().unwrap();
    let release = site::release(work.path(), "first", 1000).await;
    for (mode, directories, files) in MODES {
        let root = work.path().join(format!("{mode:o}"));
        fs::create_dir(&root).unwrap();
        set_mode(&root, mode);
        let publisher = Publisher::new(LocalStore::new(&root));
        publisher.publish(&release, &Context::new()).await.unwrap();
        assert_modes(&root, directories, files);
    }
}

#[tokio::test]
async fn rsync_keeps_the_group_of_a_shared_target() {
    let work = TempDir::new().unwrap();
    let release = site::release(work.path(), "first", 1000).await;
    let next = site::release(work.path(), "second", 1000).await;
    let (daemon, ssh) = (DaemonSite::new(), SshSite::new());
    for (mode, directories, files) in MODES {
        let name = format!("{mode:o}");
        let at_ssh = ssh.published().join(&name);
        for (root, store) in [
            (daemon.published().join(&name), daemon.builder(&name).build().unwrap()),
            (at_ssh.clone(), ssh.builder(&at_ssh).build().unwrap()),
        ] {
            fs::create_dir(&root).unwrap();
            set_mode(&root, mode);
            let publisher = Publisher::new(store);
            for release in [&release, &next] {
                publisher.publish(release, &Context::new()).await.unwrap();
            }
            assert_modes(&root, directories, files);
        }
    }
}

/// The warnings of publishing.
async fn warnings(publisher: &Publisher, release: &netboot_core::Release) -> Vec<(String, String)> {
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let context = {
        let warnings = warnings.clone();
        Context::new().with_events(move |event| {
            if let Event::Warning { message, hint, .. } = event
                && !message.contains("cannot compare and swap")
            {
                warnings.lock().unwrap().push((message, hint.unwrap()));
            }
        })
    };
    publisher.publish(release, &context).await.unwrap();
    let warnings = warnings.lock().unwrap();
    warnings.clone()
}

#[tokio::test]
async fn a_root_that_no_web_server_can_read_is_told_and_opened() {
    let work = TempDir::new().unwrap();
    let release = site::release(work.path(), "first", 1000).await;
    let (daemon, ssh) = (DaemonSite::new(), SshSite::new());
    let local = work.path().join("published");
    fs::create_dir(&local).unwrap();
    let stores: [(_, &dyn Fn() -> Publisher); 3] = [
        (local.clone(), &|| Publisher::new(LocalStore::new(&local))),
        (daemon.published(), &|| Publisher::new(daemon.builder("").build().unwrap())),
        (ssh.published(), &|| Publisher::new(ssh.builder(&ssh.published()).build().unwrap())),
    ];
    for (root, publisher) in stores {
        set_mode(&root, 0o700);
        let told = warnings(&publisher(), &release).await;
        let (message, hint) = told.first().unwrap();
        assert!(
            message.contains("(mode 0700); a web server that runs as another user"),
            "{told:?}"
        );
        assert!(hint.contains("`chmod o+rx`"), "{told:?}");
        // The hint: all users may read it, or a group.
        site::run("chmod", &["o+rx", root.to_str().unwrap()]);
        assert_eq!(warnings(&publisher(), &release).await, []);
        set_mode(&root, 0o710);
        assert_eq!(warnings(&publisher(), &release).await, []);
    }
}

#[tokio::test]
async fn a_directory_that_everyone_may_change_is_told_and_closed() {
    let work = TempDir::new().unwrap();
    let release = site::release(work.path(), "first", 1000).await;
    let root = work.path().join("published");
    fs::create_dir(&root).unwrap();
    set_mode(&root, 0o777);
    let publisher = Publisher::new(LocalStore::new(&root));
    let told = warnings(&publisher, &release).await;
    let (message, hint) = told.first().unwrap();
    assert!(message.contains("every user of this machine can write"), "{told:?}");
    // The hint.
    let command = hint.split('`').nth(1).unwrap();
    site::run("sh", &["-c", command]);
    assert_eq!(warnings(&publisher, &release).await, []);
}

/// Names the target for the process of another user.
const ROOT: &str = "NETBOOT_TEST_ROOT_OF_ANOTHER";

/// A target of this user, root, and a test that another user takes part in.
struct Shared {
    work: TempDir,
    root: PathBuf,
    test: &'static str,
}

impl Shared {
    /// Makes an empty target. In the process of the other user, it publishes to the target instead.
    async fn new(test: &'static str) -> Option<Self> {
        if let Ok(root) = std::env::var(ROOT) {
            publish_to_another(Path::new(&root)).await;
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            println!("only root can give files to another user");
            return None;
        }
        let work = TempDir::new().unwrap();
        set_mode(work.path(), 0o755);
        let root = work.path().join("published");
        fs::create_dir(&root).unwrap();
        Some(Self { work, root, test })
    }

    async fn publish(&self, generation: &str) {
        let own = site::release(self.work.path(), generation, 1000).await;
        let publisher = Publisher::new(LocalStore::new(&self.root));
        publisher.publish(&own, &Context::new()).await.unwrap();
    }

    /// Lets the other user publish, and returns what the process says.
    fn as_nobody(&self) -> String {
        TestProcess::without_root(self.work.path(), self.test).env(ROOT, &self.root).passes()
    }
}

/// Each user of a group makes files, and neither may change the mode of the other's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_users_of_a_group_publish_in_turn() {
    let name = "shared_directory::two_users_of_a_group_publish_in_turn";
    let Some(shared) = Shared::new(name).await else { return };
    site::run("chgrp", &["65534", shared.root.to_str().unwrap()]);
    set_mode(&shared.root, 0o2775);
    for generation in ["first", "third"] {
        shared.publish(generation).await;
        let said = shared.as_nobody();
        assert!(said.contains("PUBLISHED"), "{said}");
    }
}

/// A user who gets access to the part that was refused would be refused at the next part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_root_of_another_user_has_one_remedy() {
    let name = "shared_directory::a_root_of_another_user_has_one_remedy";
    let Some(shared) = Shared::new(name).await else { return };
    shared.publish("first").await;
    let root = shared.root.to_str().unwrap();
    // Whatever is open to the other user already.
    for open in ["", ".netboot", "blobs", "releases"] {
        let said = shared.as_nobody();
        assert!(said.contains("REFUSED"), "{open}: {said}");
        let path = shared.root.join(open);
        site::run("chmod", &["-R", "o+rwX", path.to_str().unwrap()]);
        site::run("chmod", &["755", root]);
    }
    // The hint.
    site::run("chown", &["-R", "65534:65534", root]);
    let said = shared.as_nobody();
    assert!(said.contains("PUBLISHED"), "{said}");
}

/// Whoever only reads gets no advice about writing. A parent that refuses is named.
#[test]
fn a_user_gets_the_permission_that_they_need() {
    let name = "shared_directory::a_user_gets_the_permission_that_they_need";
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Ok(root) = std::env::var(ROOT) {
        return runtime.block_on(look_and_publish_beside(Path::new(&root)));
    }
    if !rustix::process::geteuid().is_root() {
        println!("only root can give files to another user");
        return;
    }
    let work = TempDir::new().unwrap();
    set_mode(work.path(), 0o755);
    let root = work.path().join("published");
    fs::create_dir(&root).unwrap();
    runtime.block_on(async {
        let first = site::release(work.path(), "first", 1000).await;
        Publisher::new(LocalStore::new(&root)).publish(&first, &Context::new()).await.unwrap();
    });
    set_mode(&root, 0o700);
    let as_nobody =
        |root: &Path| TestProcess::without_root(work.path(), name).env(ROOT, root).passes();
    let said = as_nobody(&root);
    let [root, parent] = [&root, work.path()].map(|path| path.display().to_string());
    for expected in [
        format!(
            "LOOKED: not permitted to read what is in `{root}`: \
                 let this user read `{root}` and everything in it\n"
        ),
        format!(
            "PUBLISHED BESIDE: not permitted to create `{parent}/beside`: \
                 let this user write to the directory `{parent}`\n"
        ),
    ] {
        assert!(said.contains(expected.trim_end()), "{expected}: {said}");
    }
    // The hints.
    site::run("chmod", &["-R", "a+rX", &root]);
    site::run("chmod", &["a+w", &parent]);
    let said = as_nobody(Path::new(&root));
    assert!(said.contains("LOOKED: done") && said.contains("PUBLISHED BESIDE: done"), "{said}");
}

async fn look_and_publish_beside(root: &Path) {
    let said = |done: Result<(), Error>| match done {
        Ok(()) => "done".to_owned(),
        Err(error) => format!("{error}: {}", error.hint().unwrap()),
    };
    let looked = Publisher::new(LocalStore::new(root)).live().await;
    println!("LOOKED: {}", said(looked.map(drop)));
    let work = TempDir::new().unwrap();
    let release = site::release(work.path(), "second", 1000).await;
    let beside = Publisher::new(LocalStore::new(root.with_file_name("beside")));
    let published = beside.publish(&release, &Context::new()).await;
    println!("PUBLISHED BESIDE: {}", said(published.map(drop)));
}

async fn publish_to_another(root: &Path) {
    let work = TempDir::new().unwrap();
    let release = site::release(work.path(), "second", 1000).await;
    match Publisher::new(LocalStore::new(root)).publish(&release, &Context::new()).await {
        Ok(_) => println!("PUBLISHED"),
        Err(error @ Error::PermissionDenied { .. }) => {
            let root = root.display();
            let expected =
                format!("give this user write access to `{root}` and to everything in it");
            assert_eq!(error.hint().unwrap(), expected, "{error}");
            assert_eq!(error.to_string(), format!("not permitted to write to `{root}`"));
            println!("REFUSED: {error:?}");
        }
        Err(error) => panic!("{error:?}"),
    }
}
