//! Hashing and publishing to a directory, against `sha256sum` and `cp` on the same files.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

use std::cell::RefCell;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use netboot_benches::{
    Contender, ImageFiles, Run, compare, image, is_publisher, is_test, medians, open_initrd,
    print_ratio, publish as publish_apart, run, timed, write_noise,
};
use netboot_core::{Context, Release};
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn time_of(program: &str, arguments: &[&Path]) -> Duration {
    timed(|| {
        let mut command = Command::new(program);
        let status = command.args(arguments).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
    })
}

/// Publishes in a process of its own, whose memory is measured.
fn ours(files: &ImageFiles, target: &Path) -> Run {
    publish_apart(&format!("local {}", target.display()), &files.kernel(), &files.initrd()).run
}

/// The work of people without a publisher: copy all files, and hash them.
fn copy_and_hash(files: &ImageFiles, target: &Path) -> Run {
    let script = r#"cp -r "$1/." "$2" && cd "$1" && sha256sum * > "$2/SHA256SUMS""#;
    std::fs::create_dir_all(target).unwrap();
    run(Command::new("sh").args(["-c", script, "sh"]).arg(files.directory()).arg(target))
}

/// An image that is not there, one that is, and one of which the kernel changed.
fn compare_whole_processes(directory: &Path, kernel: u64, initrd: u64, rounds: usize) {
    let files = RefCell::new(ImageFiles::new(&directory.join("image"), kernel, initrd));
    let (netboot, others) = (directory.join("netboot"), directory.join("others"));
    let sha256sum = || {
        let files = files.borrow();
        run(Command::new("sha256sum").args([files.kernel(), files.initrd()]))
    };
    let clear = |target: &Path| drop(std::fs::remove_dir_all(target));
    for (what, is_cold, is_changed) in
        [("cold", true, false), ("unchanged", false, false), ("the kernel changed", false, true)]
    {
        let prepare = |target: &Path| {
            if is_cold {
                clear(target);
                std::fs::create_dir_all(target).unwrap();
            }
            if is_changed {
                files.borrow_mut().change();
            }
        };
        let contenders = vec![
            Contender::new("netboot: hash and publish, synced to the disk", |_| {
                prepare(&netboot);
                ours(&files.borrow(), &netboot)
            }),
            Contender::new("sha256sum alone", |_| sha256sum()),
            Contender::new("cp and sha256sum", |_| {
                prepare(&others);
                copy_and_hash(&files.borrow(), &others)
            }),
        ];
        compare(&format!("local, {} MB, {what}", kernel + initrd), rounds, contenders);
    }
}

fn main() {
    if is_publisher() {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let directory = TempDir::new().unwrap();
    let (megabytes, rounds) = if is_test() { (4, 1) } else { (300, 7) };
    let source = directory.path().join("initrd");
    write_noise(&source, megabytes, 0);

    let hash = || runtime.block_on(open_initrd(&source));
    let render = |artifact| -> Release {
        let renderer = Renderer::builder().build().unwrap();
        renderer.render_release([image("worker", Arc::new(artifact))]).unwrap()
    };
    let publish = |release: &Release, target: &Path| {
        let publisher = Publisher::new(LocalStore::new(target));
        runtime.block_on(publisher.publish(release, &Context::new())).unwrap();
    };
    let release = render(hash());
    let cold = |release: &Release| {
        let target = TempDir::new_in(directory.path()).unwrap();
        timed(|| publish(release, target.path()))
    };
    let live = directory.path().join("live");
    publish(&release, &live);
    let copy_to = directory.path().join("copy");

    let [hashing, placing, hash_and_place, again, sha256sum, cp, cp_sync] = medians(
        rounds,
        [
            &mut || timed(|| drop(hash())),
            &mut || cold(&release),
            &mut || {
                let target = TempDir::new_in(directory.path()).unwrap();
                timed(|| publish(&render(hash()), target.path()))
            },
            &mut || timed(|| publish(&release, &live)),
            &mut || time_of("sha256sum", &[&source]),
            &mut || {
                let _ = std::fs::remove_file(&copy_to);
                time_of("cp", &[&source, &copy_to])
            },
            &mut || {
                let _ = std::fs::remove_file(&copy_to);
                time_of("cp", &[&source, &copy_to]) + time_of("sync", &[&copy_to])
            },
        ],
    );
    print_ratio(("hash", hashing), ("sha256sum", sha256sum));
    print_ratio(("publish, cold, hashed before", placing), ("cp", cp));
    print_ratio(("publish, cold, hashed before", placing), ("cp and sync", cp_sync));
    print_ratio(("hash and publish, cold", hash_and_place), ("sha256sum", sha256sum));
    print_ratio(
        ("hash and publish, cold", hash_and_place),
        ("cp, sync and sha256sum", cp_sync + sha256sum),
    );
    print_ratio(("publish unchanged", again), ("publish, cold, hashed before", placing));

    let (kernel, initrd) = if is_test() { (1, 4) } else { (10, 290) };
    compare_whole_processes(directory.path(), kernel, initrd, rounds);

    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group(format!("{megabytes} MB"));
    group.throughput(Throughput::Bytes(megabytes * 1_000_000));
    group.bench_function("hash", |bencher| bencher.iter(&hash));
    group.bench_function("publish cold", |bencher| {
        bencher.iter_custom(|count| (0..count).map(|_| cold(&release)).sum());
    });
    group.bench_function("publish unchanged", |bencher| bencher.iter(|| publish(&release, &live)));
    group.finish();
    criterion.final_summary();
}
