//! Hashing and publishing a large artifact, against `sha256sum` and `cp` on the same file.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use netboot_benches::{image, is_test, medians, open_initrd, print_ratio, timed};
use netboot_core::{Context, Release};
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Writes `megabytes` that do not repeat, so that no file system can save space.
fn write_noise(path: &Path, megabytes: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    // Numerical Recipes' linear congruential generator: noise enough for a file system.
    let mut state: u64 = 1;
    for _ in 0..megabytes * 1_000_000 / 8 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        file.write_all(&state.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn run(program: &str, arguments: &[&Path]) -> Duration {
    timed(|| {
        let mut command = Command::new(program);
        let status = command.args(arguments).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
    })
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let directory = TempDir::new().unwrap();
    let (megabytes, rounds) = if is_test() { (4, 1) } else { (300, 7) };
    let source = directory.path().join("initrd");
    write_noise(&source, megabytes);

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
            &mut || run("sha256sum", &[&source]),
            &mut || {
                let _ = std::fs::remove_file(&copy_to);
                run("cp", &[&source, &copy_to])
            },
            &mut || {
                let _ = std::fs::remove_file(&copy_to);
                run("cp", &[&source, &copy_to]) + run("sync", &[&copy_to])
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
