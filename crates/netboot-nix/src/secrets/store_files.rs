//! Scans the files of store paths on two threads.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use netboot_core::secret_scan::{SecretMatch, SecretPlace, SecretPolicy};
use netboot_core::{Context, Event, Phase, ProfileName, Unit};
use walkdir::WalkDir;

use crate::error::Error;
use crate::secrets::cache::Entry;
use crate::secrets::store_paths::Scannable;
use crate::stop::Stop;

const THREADS: usize = 2;
/// The number of bytes between two reports of progress.
const REPORT: u64 = 16 << 20;

/// The state that the threads share.
struct Shared {
    waiting: Vec<Scannable>,
    scanned: BTreeMap<String, Entry>,
    failure: Option<Stop>,
    done: u64,
    reported: u64,
}

/// Scans all files of `paths`. Symbolic links are not followed: what they point to in the store is
/// a path of the closure itself.
pub(super) fn scan_paths(
    mut paths: Vec<Scannable>,
    policy: &SecretPolicy,
    profile: &ProfileName,
    context: &Context,
) -> Result<BTreeMap<String, Entry>, Stop> {
    let total = paths.iter().map(|path| path.size).sum();
    // The largest path comes first, so that no thread is left alone with it.
    paths.sort_by_key(|path| (path.size, Reverse(path.path.clone())));
    let shared =
        Shared { waiting: paths, scanned: BTreeMap::new(), failure: None, done: 0, reported: 0 };
    let shared = Mutex::new(shared);
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        loop {
            let next = {
                let mut shared = lock();
                if shared.failure.is_some() { None } else { shared.waiting.pop() }
            };
            let Some(next) = next else { return };
            let result = scan_path(&next.path, policy, context);
            let mut shared = lock();
            match result {
                Ok(secrets) => {
                    shared.scanned.insert(next.path, Entry::new(next.nar_hash, secrets));
                }
                Err(stop) => {
                    shared.failure.get_or_insert(stop);
                }
            }
            shared.done += next.size;
            if shared.done - shared.reported >= REPORT || shared.done == total && next.size > 0 {
                shared.reported = shared.done;
                context.emit(Event::Progress {
                    phase: Phase::Scanning,
                    profile: Some(profile.clone()),
                    subject: "store paths".to_owned(),
                    done: shared.done,
                    total: Some(total),
                    unit: Unit::Bytes,
                });
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..THREADS {
            scope.spawn(work);
        }
        work();
    });
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    shared.failure.map_or(Ok(shared.scanned), Err)
}

/// The secrets in a store path, by the paths of their files in it.
fn scan_path(
    path: &str,
    policy: &SecretPolicy,
    context: &Context,
) -> Result<Vec<(String, SecretMatch)>, Stop> {
    let mut found = Vec::new();
    for entry in WalkDir::new(path).sort_by_file_name() {
        context.check()?;
        let entry = match entry.map_err(std::io::Error::from) {
            Ok(entry) => entry,
            // The garbage collector may delete a derivation that is built.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("list", path, error).into()),
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let inner = entry.path().strip_prefix(path).unwrap_or(Path::new(""));
        let inner = inner.to_string_lossy().into_owned();
        let failed = |error| Error::io("read", entry.path(), error);
        let mut file = File::open(entry.path()).map_err(failed)?;
        let place = SecretPlace::new(path, inner.clone());
        let secrets = policy.scan(&place, &mut file, context)?;
        found.extend(secrets.into_iter().map(|secret| (inner.clone(), secret)));
    }
    Ok(found)
}
