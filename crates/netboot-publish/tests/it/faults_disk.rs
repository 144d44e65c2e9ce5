//! A server with a full disk: a typed error, and the live release stays. After space is freed, the
//! next publish completes the release. (ministack answers 200 when its disk is full, and goes on
//! from memory: it has no such error.)

use std::fs;
use std::time::Duration;

use netboot_core::{Context, ErrorClass, Release};
use netboot_publish::{Error, Publisher, RsyncFailureKind, VerifyDepth, VerifyScope};
use netboot_testbed::TestProcess;
use tempfile::TempDir;

use crate::faults::{Kind, Target, name_of};
use crate::site;

async fn release(target: &Target, generation: &str, initrd: usize) -> Release {
    site::release_of_sizes(&target.sources(), generation, 20_000, initrd).await
}

async fn check(kind: Kind) {
    let work = TempDir::new().unwrap();
    let root = work.path().join("mounted");
    fs::create_dir(&root).unwrap();
    let mounted = root.to_str().unwrap();
    site::run("mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs", mounted]);
    {
        let target = Target::start_with_data(kind, Some(&root));
        let place = target.place("site");
        let publisher = if kind.is_s3() {
            let store = place.s3().retries(1, Duration::from_secs(5));
            Publisher::new(store.build().await.unwrap())
        } else {
            Publisher::new(place.rsync())
        };
        let reader = target.reader("site").await;
        let first = release(&target, "first", 20_000).await;
        publisher.publish(&first, &Context::new()).await.unwrap();
        // Send the object at once, and in parts if the store has parts.
        let sizes = [("whole", 4_900_000), ("parts", 8_000_000)];
        for (generation, initrd) in sizes {
            let next = release(&target, generation, initrd).await;
            let error = publisher.publish(&next, &Context::new()).await.unwrap_err();
            println!("{kind:?}: {generation}: {}", name_of(&error));
            match &error {
                Error::Rsync { source } => {
                    assert_eq!(source.kind(), RsyncFailureKind::StorageFull, "{error:?}");
                    assert_eq!(error.class(), ErrorClass::StorageFull, "{error:?}");
                }
                Error::S3 { .. } if kind.is_s3() => {}
                error => panic!("{error:?}"),
            }
            assert!(error.hint().is_some(), "{error:?}");
            assert_eq!(reader.boot().await.0, *first.id());
            assert_eq!(publisher.live().await.unwrap(), Some(*first.id()));
        }
        let options = "remount,size=64m";
        site::run("mount", &["--options-mode", "ignore", "-o", options, mounted]);
        for (generation, initrd) in sizes {
            let next = release(&target, generation, initrd).await;
            publisher.publish(&next, &Context::new()).await.unwrap();
            assert_eq!(reader.boot().await.0, *next.id());
        }
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
        assert!(report.is_clean(), "{report}");
    }
    site::unmount(mounted);
}

fn check_inside(kind: Kind, test: &str) {
    if TestProcess::with_mounts(test).is_this() {
        tokio::runtime::Runtime::new().unwrap().block_on(check(kind));
    }
}

#[test]
fn the_disk_of_a_daemon_is_full() {
    check_inside(Kind::Daemon, "faults_disk::the_disk_of_a_daemon_is_full");
}

#[test]
fn the_disk_of_nanio_is_full() {
    check_inside(Kind::Nanio, "faults_disk::the_disk_of_nanio_is_full");
}
