//! A target that several users share: its group and the group's permission are kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use netboot_core::Context;
use netboot_publish::{LocalStore, Publisher};
use tempfile::TempDir;

use crate::site;

#[tokio::test]
async fn a_group_that_may_write_to_the_root_may_write_below_it() {
    let work = TempDir::new().unwrap();
    let release = site::release(work.path(), "first", 1000).await;
    for (mode, directories, files) in
        [(0o2775, 0o2775, 0o664), (0o2755, 0o2755, 0o644), (0o775, 0o775, 0o664)]
    {
        let root = work.path().join(format!("{mode:o}"));
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(mode)).unwrap();
        let publisher = Publisher::new(LocalStore::new(&root));
        publisher.publish(&release, &Context::new()).await.unwrap();
        let mut count = 0;
        for entry in walkdir::WalkDir::new(&root).min_depth(1) {
            let entry = entry.unwrap();
            let is_own = entry.path().starts_with(root.join(".netboot"));
            if is_own && !entry.file_type().is_dir() {
                continue;
            }
            let found = entry.metadata().unwrap().permissions().mode() & 0o7777;
            let expected = if entry.file_type().is_dir() { directories } else { files };
            assert_eq!(found, expected, "{mode:o}: {}", entry.path().display());
            count += 1;
        }
        assert!(count > 10);
    }
}
