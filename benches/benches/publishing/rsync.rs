//! An rsync daemon, against `rsync -a` to the same daemon.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use netboot_benches::{
    Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, Run, RunCounter, Wire, contest,
    is_test, publish, run,
};
use netboot_testbed::{RsyncDaemon, RsyncModule, tool};
use tempfile::TempDir;

fn ours(files: &ImageFiles, address: SocketAddr, program: &Path) -> Run {
    let (port, path, program) = (address.port(), "netboot".to_owned(), Some(program.to_owned()));
    publish(&Place::RsyncDaemon { port, path, program }, files.directory()).hashed_before()
}

fn rsync(options: &[&str], files: &ImageFiles, address: SocketAddr, path: &str) -> Run {
    let from = format!("{}/", files.directory().display());
    let to = format!("rsync://{address}/pub/{path}/");
    run(Command::new("rsync").arg("-a").args(options).args([&from, &to]))
}

/// An image that is not there, one that is, and one of which the kernel changed. Each time is that
/// of hashed files.
pub(crate) fn rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let sizes = ImageSizes::sixteen_files();
    let rounds = if is_test() { 1 } else { 5 };
    let files = RefCell::new(ImageFiles::new(&directory.path().join("image"), sizes));
    let published = directory.path().join("published");
    fs::create_dir(&published).unwrap();
    let module = RsyncModule::new("pub", &published);
    let daemon = RsyncDaemon::start(&directory.path().join("daemon"), &[module]);
    let wire = Wire::stream(([127, 0, 0, 1], daemon.port()).into());
    let counter = RunCounter::new(directory.path(), &tool("rsync"));

    let mut rows = Vec::new();
    for (what, is_cold, is_changed, to_synced, to_plain) in [
        ("cold", true, false, Some(1.3), None),
        ("unchanged", false, false, None, Some(0.8)),
        ("one file changed", false, true, Some(1.5), None),
    ] {
        let prepare = |path: &str| {
            if is_cold {
                let _ = fs::remove_dir_all(published.join(path));
            }
            if is_changed {
                files.borrow_mut().change();
            }
        };
        let peer = |name: &'static str, options: &'static [&'static str], goal: Option<f64>| {
            let (prepare, files) = (&prepare, &files);
            let peer = Contender::new(name, move |address| {
                let path = if options.is_empty() { "plain" } else { "synced" };
                prepare(path);
                rsync(options, &files.borrow(), address, path)
            });
            if let Some(goal) = goal { peer.goal(Goal::Ratio(goal)) } else { peer }
        };
        let us = Contender::new("netboot", |address| {
            prepare("netboot");
            ours(&files.borrow(), address, counter.program())
        })
        .trips(|| counter.take())
        .goal(Goal::Trips(6));
        let name = format!("daemon, {what}, {} MB in {} files", sizes.megabytes(), 2 + sizes.blobs);
        let case = Case { place: "rsync", name: &name, rounds, wire: Some(&wire) };
        let synced = peer("rsync -a --fsync", &["--fsync"], to_synced);
        rows.extend(contest(case, vec![us, synced, peer("rsync -a", &[], to_plain)]));
    }
    rows
}
