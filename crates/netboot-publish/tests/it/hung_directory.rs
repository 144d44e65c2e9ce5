//! A target directory on a file system that hangs, as NFS does when its server is down.
#![cfg(feature = "local")]

use std::time::{Duration, Instant};

use netboot_core::{CancellationToken, Context};
use netboot_publish::{Error, LocalStore, Publisher, RollbackTo, Store, VerifyDepth, VerifyScope};
use netboot_testbed::{HungFileSystem, TestProcess};
use tempfile::TempDir;

use crate::patience::PATIENCE;
use crate::site;

const LIMIT: Duration = Duration::from_millis(500);

#[test]
fn a_hung_file_system_is_told_in_time() {
    let name = "hung_directory::a_hung_file_system_is_told_in_time";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    let begin = Instant::now();
    let work = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let hung = runtime.block_on(async {
        let root = work.path().join("published");
        let store = LocalStore::new(&root);
        let first = site::release(work.path(), "first", 1000).await;
        let second = site::release(work.path(), "second", 1000).await;
        Publisher::new(store.clone()).publish(&first, &Context::new()).await.unwrap();
        let store = store.with_read_timeout(LIMIT);
        let publisher = Publisher::new(store.clone());
        let hung = HungFileSystem::mount(&root);

        let context = Context::new();
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let errors = [
            publisher.live().await.unwrap_err(),
            publisher.publish(&second, &context).await.unwrap_err(),
            publisher.verify(scope, depth, &context).await.unwrap_err(),
            publisher.rollback(RollbackTo::Previous, &context).await.unwrap_err(),
        ];
        for error in errors {
            assert!(
                matches!(&error, Error::Target(netboot_core::Error::NoAnswer { path, .. })
                    if *path == root),
                "{error:?}"
            );
            assert!(error.hint().unwrap().contains("check the disk"));
        }

        // A thousand readers leave the threads of the runtime free, and fail in time.
        let readers = (0..1000).map(|_| {
            let publisher = publisher.clone();
            tokio::spawn(async move { publisher.live().await })
        });
        let readers: Vec<_> = readers.collect();
        tokio::task::spawn_blocking(|| {}).await.unwrap();
        for reader in readers {
            assert!(reader.await.unwrap().is_err());
        }

        // Waiting for the lock can be cancelled at once.
        let patient = store.with_read_timeout(Duration::from_secs(3600));
        let token = CancellationToken::new();
        let context = Context::new().with_cancellation(token.clone());
        let locking = tokio::spawn(async move { patient.lock(&context).await.map(drop) });
        token.cancel();
        assert!(matches!(locking.await.unwrap(), Err(Error::Cancelled)));
        hung
    });
    // The runtime ends although reads hang.
    drop(runtime);
    assert!(begin.elapsed() < PATIENCE);
    drop(hung);
}
