//! Images to publish and render, and ratios of alternating measurements, for the benchmarks.
//!
//! `cargo bench -p netboot-benches` runs the benchmarks. Absolute times depend on the machine.
//! Lines that start with `ratio` compare two things whose runs alternated in one process.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

mod contest;
mod image_files;
mod measured;
mod place;
mod row;
mod run_counter;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BootSpec, BytesArtifact, Context, FileArtifact, FileName,
    Image, InitPath, ProfileSpec,
};

pub use crate::contest::{Case, Contender, Wire, contest};
pub use crate::image_files::{ImageFiles, ImageSizes, release_in_memory, release_of};
pub use crate::measured::{
    Published, Run, Work, apart, is_publisher, publish, publish_immutable, run,
};
pub use crate::place::{BUCKET, Place};
pub use crate::row::{Figures, Goal, Row, table};
pub use crate::run_counter::RunCounter;

/// Writes `megabytes` without repetition, so that no file system saves space. Each `seed` gives
/// other bytes.
///
/// # Panics
/// If the file cannot be written.
pub fn write_noise(path: &Path, megabytes: u64, seed: u64) {
    write_noise_bytes(path, megabytes * 1_000_000, seed);
}

/// Does this for a number of bytes, which it rounds down to a multiple of 8.
///
/// # Panics
/// If the file cannot be written.
pub fn write_noise_bytes(path: &Path, bytes: u64, seed: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    // The linear congruential generator of Numerical Recipes.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    for _ in 0..bytes / 8 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        file.write_all(&state.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

/// An image of this profile, with an initrd of a few bytes.
///
/// # Panics
/// If `profile` is not a valid profile name.
pub fn small_image(profile: &str) -> Image {
    let initrd =
        BytesArtifact::new(ArtifactKind::Initrd, name("initrd"), profile.to_owned()).unwrap();
    image(profile, Arc::new(initrd))
}

/// An image of this profile with this initrd.
///
/// # Panics
/// If `profile` is not a valid profile name.
pub fn image(profile: &str, initrd: Arc<dyn Artifact>) -> Image {
    let spec = ProfileSpec::new(profile).unwrap();
    let init = InitPath::new(format!("/nix/store/0a1b2c3d-nixos-system-{profile}/init")).unwrap();
    let parameters = ["console=ttyS0,115200", "console=tty0", "loglevel=4", "panic=60"];
    let boot = BootSpec::new(Architecture::X86_64, init, parameters).unwrap();
    let kernel = BytesArtifact::new(ArtifactKind::Kernel, name("bzImage"), "kernel").unwrap();
    Image::builder(&spec, boot).kernel(kernel).initrd(initrd).build().unwrap()
}

/// Opens and hashes the initrd at `path`.
///
/// # Panics
/// If it cannot be read.
pub async fn open_initrd(path: &Path) -> FileArtifact {
    let context = Context::new();
    FileArtifact::open(ArtifactKind::Initrd, name("initrd"), path, &context).await.unwrap()
}

/// Measures several things alternately, `rounds` times each after one warm-up round, and returns
/// the median of each.
pub fn medians<const N: usize>(
    rounds: usize,
    mut things: [&mut dyn FnMut() -> Duration; N],
) -> [Duration; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for round in 0..=rounds {
        for (thing, times) in things.iter_mut().zip(&mut times) {
            let time = thing();
            if round > 0 {
                times.push(time);
            }
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

/// Measures the duration of `work`.
pub fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Prints the ratio of `one` to `other`, unless this is a test, which uses small inputs.
#[expect(clippy::print_stdout, reason = "the ratios are what the benchmark is for")]
pub fn print_ratio(one: (&str, Duration), other: (&str, Duration)) {
    if is_test() {
        return;
    }
    let ratio = one.1.as_secs_f64() / other.1.as_secs_f64();
    println!("ratio {ratio:6.3}  {} ({:.1?}) / {} ({:.1?})", one.0, one.1, other.0, other.1);
}

/// Returns true if this run only checks that the benchmarks work (`cargo bench -- --test`).
pub fn is_test() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}
