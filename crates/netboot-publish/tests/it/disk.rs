//! Disks that are full, read-only or not writable for this user: a typed error, and the live
//! release stays.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use netboot_core::{Context, ErrorClass, Release, layout};
use netboot_publish::{Error, LocalStore, Publisher, Retention};
use netboot_testbed::TestProcess;
use tempfile::TempDir;

use crate::site;

/// Remounts a file system with other options. The old options are not read from the kernel, because
/// it shows an owner that the user namespace does not know.
fn remount(options: &str, root: &Path) {
    let options = format!("remount,{options}");
    site::run("mount", &["--options-mode", "ignore", "-o", &options, root.to_str().unwrap()]);
}

/// A small file system with a published release.
async fn mounted(work: &Path, options: &str) -> (PathBuf, Publisher, Release) {
    let root = work.join("mounted");
    fs::create_dir(&root).unwrap();
    site::run("mount", &["-t", "tmpfs", "-o", options, "tmpfs", root.to_str().unwrap()]);
    let publisher = Publisher::new(LocalStore::new(&root)).with_legacy_links(true);
    let first = site::release(work, "first", 100_000).await;
    publisher.publish(&first, &Context::new()).await.unwrap();
    (root, publisher, first)
}

#[test]
fn a_full_disk_leaves_the_live_release_whole() {
    if !TestProcess::with_mounts("disk::a_full_disk_leaves_the_live_release_whole").is_this() {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let work = TempDir::new().unwrap();
        let (root, publisher, first) = mounted(work.path(), "size=2m").await;
        // The artifact that does not fit is a file, and then one that is not a file.
        let sizes = [("file", 2_500_000, 1000), ("stream", 1000, 2_500_000)];
        for (generation, kernel, initrd) in sizes {
            let second = site::release_of_sizes(work.path(), generation, kernel, initrd).await;
            let error = publisher.publish(&second, &Context::new()).await.unwrap_err();
            assert!(matches!(error, Error::StorageFull { .. }), "{error:?}");
            assert!(error.hint().unwrap().contains("prune"));
            assert_eq!(error.class(), ErrorClass::StorageFull, "{error:?}");
            assert_eq!(site::boot(&root), *first.id());
            assert_eq!(publisher.live().await.unwrap(), Some(*first.id()));
            assert!(site::temporary_files(&root).is_empty());
        }
        remount("size=64m", &root);
        for (generation, kernel, initrd) in sizes {
            let second = site::release_of_sizes(work.path(), generation, kernel, initrd).await;
            publisher.publish(&second, &Context::new()).await.unwrap();
            assert_eq!(site::boot(&root), *second.id());
        }
        site::assert_clean(&root).await;
        site::unmount(root.to_str().unwrap());
    });
}

/// Pruning frees space and must not need any.
#[test]
fn a_full_disk_leaves_room_to_prune() {
    if !TestProcess::with_mounts("disk::a_full_disk_leaves_room_to_prune").is_this() {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let work = TempDir::new().unwrap();
        let (root, publisher, first) = mounted(work.path(), "size=8m").await;
        let second = site::release(work.path(), "second", 100_000).await;
        publisher.publish(&second, &Context::new()).await.unwrap();
        // Without room for a file, pruning takes the time of the newest one as the target's time.
        let manifest = layout::in_release(second.id(), &layout::manifest());
        let place = root.join(manifest.as_str());
        let later = SystemTime::now() + Duration::from_secs(3);
        fs::File::open(place).unwrap().set_modified(later).unwrap();
        // No byte is free, and no file can be created.
        let mut rest = fs::File::create(root.join("rest")).unwrap();
        while rest.write(&[1; 4096]).is_ok() {}
        let used: usize = walkdir::WalkDir::new(&root).into_iter().count();
        remount(&format!("nr_inodes={}", used + 1), &root);
        let error = publisher.stage(&first, &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::StorageFull { .. }), "{error:?}");

        let retention = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
        let report = publisher.prune(&retention, &Context::new()).await.unwrap();
        assert_eq!(report.deleted, [*first.id()].into());
        assert_eq!(publisher.releases().await.unwrap(), [*second.id()].into());
        assert_eq!(site::boot(&root), *second.id());
        drop(rest);
        fs::remove_file(root.join("rest")).unwrap();
        site::assert_clean(&root).await;
        site::unmount(root.to_str().unwrap());
    });
}

#[test]
fn a_disk_without_room_for_another_file_leaves_the_live_release_whole() {
    let name = "disk::a_disk_without_room_for_another_file_leaves_the_live_release_whole";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let work = TempDir::new().unwrap();
        let (root, publisher, first) = mounted(work.path(), "size=64m").await;
        let second = site::release(work.path(), "second", 1000).await;
        let used: usize = walkdir::WalkDir::new(&root).into_iter().count();
        let mut failed = 0;
        for room in 1..30 {
            remount(&format!("nr_inodes={}", used + 1 + room), &root);
            match publisher.publish(&second, &Context::new()).await {
                Err(error) => {
                    assert!(matches!(error, Error::StorageFull { .. }), "{error:?}");
                    assert!(error.hint().unwrap().contains("no inode left"), "{error:?}");
                    assert_eq!(site::boot(&root), *first.id());
                    failed += 1;
                }
                Ok(_) => break,
            }
        }
        assert!((5..29).contains(&failed), "{failed} of the limits were too low");
        assert_eq!(site::boot(&root), *second.id());
        site::assert_clean(&root).await;
        site::unmount(root.to_str().unwrap());
    });
}

#[test]
fn a_read_only_file_system_is_named_and_can_be_read() {
    if !TestProcess::with_mounts("disk::a_read_only_file_system_is_named_and_can_be_read").is_this()
    {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let work = TempDir::new().unwrap();
        let (root, publisher, first) = mounted(work.path(), "size=64m").await;
        let second = site::release(work.path(), "second", 1000).await;
        remount("ro", &root);
        for error in [
            publisher.publish(&second, &Context::new()).await.unwrap_err(),
            publisher.stage(&second, &Context::new()).await.unwrap_err(),
            publisher.activate(first.id(), &Context::new()).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
            assert!(error.to_string().contains(root.to_str().unwrap()) && error.hint().is_some());
        }
        // Reading needs no write access.
        assert_eq!(publisher.history().await.unwrap().len(), 1);
        assert!(!publisher.plan(&second, &Context::new()).await.unwrap().is_empty());
        assert_eq!(site::boot(&root), *first.id());
        site::assert_clean(&root).await;
        site::unmount(root.to_str().unwrap());
    });
}

#[test]
fn a_directory_that_is_not_ours_is_named() {
    // In a user namespace without a mapping, root has no privileges either.
    let name = "disk::a_directory_that_is_not_ours_is_named";
    if !TestProcess::behind(&["unshare", "-U"], name).is_this() {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let work = TempDir::new().unwrap();
        let root = work.path().join("published");
        let publisher = Publisher::new(LocalStore::new(&root));
        let first = site::release(work.path(), "first", 1000).await;
        publisher.publish(&first, &Context::new()).await.unwrap();
        let second = site::release(work.path(), "second", 1000).await;
        let blobs = root.join("blobs");
        fs::set_permissions(&blobs, fs::Permissions::from_mode(0o555)).unwrap();
        let error = publisher.publish(&second, &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error:?}");
        let expected = format!("let this user write to the directory `{}`", blobs.display());
        assert_eq!(error.hint().unwrap(), expected, "{error}");
        assert_eq!(site::boot(&root), *first.id());
        fs::set_permissions(&blobs, fs::Permissions::from_mode(0o755)).unwrap();
        publisher.publish(&second, &Context::new()).await.unwrap();
        site::assert_clean_without_links(&root).await;
    });
}

#[test]
fn web_servers_can_read_what_is_published_under_any_umask() {
    let name = "disk::web_servers_can_read_what_is_published_under_any_umask";
    let shell = ["sh", "-c", "umask 077 && exec \"$0\" \"$@\""];
    if !TestProcess::behind(&shell, name).is_this() {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let work = TempDir::new().unwrap();
        let root = work.path().join("published");
        let release = site::release(work.path(), "first", 1000).await;
        let publisher = Publisher::new(LocalStore::new(&root)).with_legacy_links(true);
        publisher.publish(&release, &Context::new()).await.unwrap();
        let mut files = 0;
        for entry in walkdir::WalkDir::new(&root) {
            let entry = entry.unwrap();
            if entry.path_is_symlink() || entry.path().starts_with(root.join(".netboot")) {
                continue;
            }
            let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
            let expected = if entry.file_type().is_dir() { 0o755 } else { 0o644 };
            assert_eq!(mode, expected, "{}", entry.path().display());
            files += 1;
        }
        assert!(files > 10);
    });
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_named() {
    let work = TempDir::new().unwrap();
    let release = site::release(work.path(), "first", 1000).await;
    let context = Context::new();
    let missing = work.path().join("it is missing");
    let publisher = Publisher::new(LocalStore::new(missing.join("published")));
    for error in [
        publisher.publish(&release, &context).await.unwrap_err(),
        publisher.plan(&release, &context).await.unwrap_err(),
        publisher.live().await.unwrap_err(),
    ] {
        assert!(matches!(&error, Error::NoSuchDirectory { path } if *path == missing), "{error:?}");
        let hint = error.hint().unwrap();
        let command = hint.split('`').nth(1).unwrap();
        assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{hint}");
        assert!(missing.is_dir(), "{hint}");
        fs::remove_dir(&missing).unwrap();
    }
    fs::create_dir(&missing).unwrap();
    publisher.publish(&release, &context).await.unwrap();
    let file = work.path().join("file");
    fs::write(&file, "").unwrap();
    for root in [file.clone(), file.join("published")] {
        let publisher = Publisher::new(LocalStore::new(&root));
        let error = publisher.publish(&release, &context).await.unwrap_err();
        assert!(matches!(error, Error::NotADirectory { .. }), "{error:?}");
    }
    // The store creates only the last directory.
    let root = work.path().join("new");
    Publisher::new(LocalStore::new(&root)).publish(&release, &context).await.unwrap();
    assert_eq!(site::boot(&root), *release.id());
}

#[tokio::test]
async fn a_file_that_changed_after_it_was_hashed_is_not_published() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    let publisher = Publisher::new(LocalStore::new(&root));
    let release = site::release(work.path(), "first", 1000).await;
    let kernel = work.path().join("kernel-first");
    for change in [vec![1; 1000], vec![1; 5]] {
        fs::write(&kernel, change).unwrap();
        let error = publisher.publish(&release, &Context::new()).await.unwrap_err();
        assert!(
            matches!(&error, Error::Artifact(netboot_core::Error::ArtifactChanged { path })
                if path.ends_with("kernel-first")),
            "{error:?}"
        );
        assert!(error.hint().is_some());
    }
    assert_eq!(publisher.live().await.unwrap(), None);
    assert!(site::temporary_files(&root).is_empty());
}
