//! This machine's clock has no say in what the cache deletes.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use netboot_testbed::TestProcess;

use crate::pack::Site;

const HOUR: Duration = Duration::from_secs(3600);

fn record(blob: &Path) -> PathBuf {
    blob.with_extension("").with_extension("record")
}

/// The cache counts ages by the clock of the file system.
#[test]
fn a_wrong_clock_makes_no_packed_path_look_old_or_young() {
    let name = "pack_clock::a_wrong_clock_makes_no_packed_path_look_old_or_young";
    // The times of files stay true.
    let is_shifted = |shift: &str| {
        let process = TestProcess::behind(&["faketime", "-f", shift], name);
        process.env("NO_FAKE_STAT", "1").is_this()
    };
    if ["+30d", "-30d"].map(is_shifted).contains(&false) {
        return;
    }
    let site = Site::new();
    let first = site.pack(&site.packer()).unwrap();
    let written = fs::metadata(&first.blobs[0]).unwrap().modified().unwrap();
    let now = SystemTime::now();
    let wrong = now.duration_since(written).or_else(|_| written.duration_since(now)).unwrap();
    assert!(wrong > HOUR * 24 * 29, "the clock is right");

    let tight = site.packer().with_budget(0);
    let only_the_first = || {
        let go_on = |_| ControlFlow::Continue(());
        tight.pack(&site.init(), site.paths[..1].to_vec(), &go_on).unwrap().blobs.remove(0)
    };
    let kept = only_the_first();
    assert!(first.blobs.iter().all(|blob| blob.exists()), "young paths were deleted");
    for blob in first.blobs.iter().filter(|blob| **blob != kept) {
        File::open(record(blob)).unwrap().set_modified(written - HOUR * 2).unwrap();
    }
    only_the_first();
    for blob in &first.blobs {
        assert_eq!(blob.exists(), *blob == kept, "{}", blob.display());
    }
}
