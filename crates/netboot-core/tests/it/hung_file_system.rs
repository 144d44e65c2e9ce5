//! A file system that no longer answers: callers wait for a limited time, on few threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use netboot_core::{Bulkhead, Error, GuardedFile};
use netboot_testbed::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

#[test]
fn a_thousand_callers_wait_on_few_threads_for_a_limited_time() {
    let begin = Instant::now();
    let (release, hang) = channel::<()>();
    let hang = Arc::new(std::sync::Mutex::new(hang));
    let stuck = Arc::new(AtomicUsize::new(0));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bulkhead = Bulkhead::new("published", 3, Duration::from_millis(300));
    runtime.block_on(async {
        let calls = (0..1000).map(|_| {
            let (bulkhead, hang, stuck) = (bulkhead.clone(), hang.clone(), stuck.clone());
            tokio::spawn(async move {
                let work = move || {
                    stuck.fetch_add(1, Ordering::SeqCst);
                    // It fails when the test has ended.
                    let _ = hang.lock().map(|hang| hang.recv());
                };
                bulkhead.run(work).await
            })
        });
        for call in calls.collect::<Vec<_>>() {
            let error = call.await.unwrap().unwrap_err();
            assert!(matches!(error, Error::NoAnswer { .. }), "{error:?}");
            assert!(error.to_string().contains("published"));
        }
        // A thread may start after its caller gave up.
        while stuck.load(Ordering::SeqCst) < 3 {
            assert!(begin.elapsed() < PATIENCE);
            std::thread::yield_now();
        }
        assert_eq!(stuck.load(Ordering::SeqCst), 3);
        // The threads of the runtime are free.
        tokio::task::spawn_blocking(|| {}).await.unwrap();
    });
    // The runtime ends although the threads are stuck.
    drop(runtime);
    assert!(begin.elapsed() < PATIENCE);

    // The file system answers again.
    drop(release);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let patient = bulkhead.with_limit(PATIENCE);
    assert_eq!(runtime.block_on(patient.run(|| 7)).unwrap(), 7);
}

#[tokio::test]
async fn a_guarded_file_reads_like_any_file() {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, &bytes).unwrap();
    let bulkhead = Bulkhead::new(directory.path(), 2, PATIENCE);
    let mut file = GuardedFile::new(std::fs::File::open(&path).unwrap(), bulkhead);
    assert_eq!(file.metadata().await.unwrap().len(), 3_000_000);
    let mut read = Vec::new();
    file.read_to_end(&mut read).await.unwrap();
    assert!(read == bytes);
    file.seek(std::io::SeekFrom::Start(1_000_000)).await.unwrap();
    let mut part = [0; 1000];
    file.read_exact(&mut part).await.unwrap();
    assert_eq!(part, bytes[1_000_000..1_001_000]);
    file.read_exact(&mut part).await.unwrap();
    assert_eq!(part, bytes[1_001_000..1_002_000]);
}
