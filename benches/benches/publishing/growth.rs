//! Targets with 10, 100 and 1,000 releases: the history, verification by listing, and pruning.

use std::fs;
use std::time::Duration;

use netboot_benches::{
    Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, Work, apart, contest, is_test,
    release_of,
};
use netboot_core::Context;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The numbers of releases.
fn counts() -> &'static [usize] {
    if is_test() { &[2, 4] } else { &[10, 100, 1000] }
}

/// A directory of this machine, and what each question takes.
pub(crate) fn rows() -> Vec<Row> {
    let runtime = Runtime::new().unwrap();
    let directory = TempDir::new().unwrap();
    let place = Place::Local { directory: directory.path().join("target") };
    let image = directory.path().join("image");
    let sizes = ImageSizes {
        kernel_megabytes: 0,
        initrd_megabytes: 0,
        blobs: if is_test() { 3 } else { 100 },
        blob_kilobytes: 1,
    };
    let _ = ImageFiles::new(&image, sizes);
    let initrd = image.join("initrd");
    fs::write(&initrd, "initrd").unwrap();
    let (mut releases, mut rows) = (0, Vec::new());
    for count in counts() {
        runtime.block_on(async {
            let publisher = place.publisher().await;
            while releases < *count {
                fs::write(image.join("bzImage"), format!("kernel {releases}")).unwrap();
                let release = release_of(&image).await;
                publisher.publish(&release, &Context::new()).await.unwrap();
                releases += 1;
            }
        });
        for (what, work, goal) in [
            ("history", Work::History, 2),
            ("verify", Work::Verify, 5),
            ("prune", Work::PruneDry, 5),
        ] {
            let name = format!("{what}, {count} releases of 100 blobs");
            let us = Contender::new("netboot", |_| apart(&place, work.clone()).run)
                .goal(Goal::Wall(Duration::from_secs(goal)))
                .goal(Goal::Peak(64));
            let rounds = if is_test() { 1 } else { 3 };
            let case = Case { place: "growth, local", name: &name, rounds, wire: None };
            rows.extend(contest(case, vec![us]));
        }
    }
    rows
}
