//! Publishing by rsync in a process of its own, against `rsync -a` alone, to the same daemon.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the figures are what the benchmark is for; one that cannot be set up has nothing to say"
)]

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use netboot_benches::{Contender, ImageFiles, Run, compare, is_publisher, is_test, publish, run};
use netboot_testbed::{FaultProxy, RsyncDaemon, RsyncModule, StreamFault};
use tempfile::TempDir;

fn ours(files: &ImageFiles, port: u16, path: &str) -> Run {
    let done = publish(&format!("rsync {port} {path}"), &files.kernel(), &files.initrd());
    Run { wall: done.publish, ..done.run }
}

fn rsync(options: &[&str], files: &ImageFiles, port: u16, path: &str) -> Run {
    let from = format!("{}/", files.directory().display());
    let to = format!("rsync://127.0.0.1:{port}/pub/{path}/");
    run(Command::new("rsync").arg("-a").args(options).args([&from, &to]))
}

fn main() {
    if is_publisher() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let (kernel_size, initrd_size, rounds) = if is_test() { (1, 4, 1) } else { (10, 290, 5) };
    let files = ImageFiles::new(&directory.path().join("image"), kernel_size, initrd_size);
    let files = RefCell::new(files);
    let published = directory.path().join("published");
    fs::create_dir(&published).unwrap();
    let module = RsyncModule::new("pub", &published);
    let daemon = RsyncDaemon::start(&directory.path().join("daemon"), &[module]);
    let port = daemon.port();
    let clear = |path: &str| drop(fs::remove_dir_all(published.join(path)));
    let fsync: &[&str] = &["--fsync"];
    let plain: &[&str] = &[];

    let cold = vec![
        Contender::new("netboot, hashed before, synced to the disk", |_| {
            clear("netboot");
            ours(&files.borrow(), port, "netboot")
        }),
        Contender::new("rsync -a --fsync", |_| {
            clear("fsync");
            rsync(fsync, &files.borrow(), port, "fsync")
        }),
        Contender::new("rsync -a", |_| {
            clear("plain");
            rsync(plain, &files.borrow(), port, "plain")
        }),
    ];
    compare("rsync, 300 MB, cold", rounds, cold);
    let unchanged = vec![
        Contender::new("netboot, hashed before", |_| ours(&files.borrow(), port, "netboot")),
        Contender::new("rsync -a", |_| rsync(plain, &files.borrow(), port, "plain")),
    ];
    compare("rsync, 300 MB, unchanged", rounds, unchanged);
    let change = || files.borrow_mut().change();
    let changed = vec![
        Contender::new("netboot, hashed before, synced to the disk", |_| {
            change();
            ours(&files.borrow(), port, "netboot")
        }),
        Contender::new("rsync -a --fsync", |_| {
            change();
            rsync(fsync, &files.borrow(), port, "fsync")
        }),
        Contender::new("rsync -a", |_| {
            change();
            rsync(plain, &files.borrow(), port, "plain")
        }),
    ];
    compare("rsync, 300 MB, the kernel of 10 MB changed", rounds, changed);
    count_bytes(([127, 0, 0, 1], port).into(), &files, &published);
}

/// The number of bytes that each sends, through a proxy that counts.
fn count_bytes(daemon: SocketAddr, files: &RefCell<ImageFiles>, published: &Path) {
    let proxy = FaultProxy::stream(daemon, |_| StreamFault::None);
    let port = proxy.address().port();
    for path in ["netboot", "plain"] {
        let _ = fs::remove_dir_all(published.join(path));
    }
    for what in ["cold", "unchanged", "the kernel changed"] {
        if what == "the kernel changed" {
            files.borrow_mut().change();
        }
        let before = proxy.bytes().0;
        ours(&files.borrow(), port, "netboot");
        let between = proxy.bytes().0;
        rsync(&[], &files.borrow(), port, "plain");
        if !is_test() {
            println!("{:>12} bytes sent: netboot, {what}", between - before);
            println!("{:>12} bytes sent: rsync -a, {what}", proxy.bytes().0 - between);
        }
    }
}
