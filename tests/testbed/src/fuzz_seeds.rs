//! The seeds of the fuzz targets.

use std::fs;

use crate::{Error, workspace_directory};

/// Runs a fuzz target with each of its seeds, which are the files of `fuzz/seeds/<name>`. The
/// target returns true if it accepts the bytes.
///
/// # Panics
/// If the target accepts none of the seeds, because their format is out of date; if they cannot be
/// read; and where the target panics.
pub fn each_fuzz_seed(name: &str, target: impl Fn(&[u8]) -> bool) {
    let directory = workspace_directory().join("fuzz/seeds").join(name);
    let read = || {
        let entries = fs::read_dir(&directory)?;
        entries.map(|entry| fs::read(entry?.path())).collect::<Result<Vec<_>, _>>()
    };
    #[expect(clippy::panic, reason = "a test whose seeds cannot be read has failed")]
    let seeds = read().unwrap_or_else(|source| {
        panic!("{:?}", Error::Io { action: "read", path: directory.clone(), source })
    });
    let accepted = seeds.iter().filter(|seed| target(seed)).count();
    assert!(accepted > 0, "the target accepts no seed of `{}`", directory.display());
}
