//! Reads from the target: listings and files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

use netboot_core::beneath::Directory;
use netboot_core::{Context, ReleasePath};

use super::arguments::Arguments;
use super::failure::RsyncFailureKind;
use super::listing::{self, PARTIAL_DIRECTORY};
use super::session::{RunResult, Session};
use super::work_directory::{FETCHED, WorkDirectory};
use crate::error::Error;
use crate::store::{Entry, Listed};

/// The maximum number of attempts to fetch a file that disappears each time.
const FETCH_ATTEMPTS: usize = 3;

/// The entries at `paths`, including directories. Names of directories have no slash at the end.
pub(super) async fn stat(
    session: &Arc<Session>,
    paths: impl IntoIterator<Item = &str>,
    context: &Context,
) -> Result<BTreeMap<String, Entry>, Error> {
    Ok(stat_in_root(session, paths, context).await?.unwrap_or_default())
}

/// The entries at `paths`, as [`stat`] gives them. `None` if the target directory does not exist.
pub(super) async fn stat_in_root(
    session: &Arc<Session>,
    paths: impl IntoIterator<Item = &str>,
    context: &Context,
) -> Result<Option<BTreeMap<String, Entry>>, Error> {
    let work = session.work_directory().await?;
    work.write_names(paths)?;
    let listed = list_names(session, &work, "--dirs", context).await?;
    let entry = |listed: Listed| {
        let path = listed.path.strip_suffix('/').unwrap_or(&listed.path).to_owned();
        (path, listed.entry)
    };
    Ok(listed.map(|listed| listed.into_iter().map(entry).collect()))
}

/// The paths of `paths` that are directories.
pub(super) async fn directories(
    session: &Arc<Session>,
    paths: impl IntoIterator<Item = &str>,
    context: &Context,
) -> Result<BTreeSet<String>, Error> {
    let work = session.work_directory().await?;
    work.write_names(paths)?;
    let listed = list_names(session, &work, "--dirs", context).await?.unwrap_or_default();
    let directory = |listed: Listed| Some(listed.path.strip_suffix('/')?.to_owned());
    Ok(listed.into_iter().filter_map(directory).collect())
}

/// Everything in the root of the target, or below a directory.
pub(super) async fn list(
    session: &Arc<Session>,
    below: Option<&ReleasePath>,
    context: &Context,
) -> Result<Vec<Listed>, Error> {
    let work = session.work_directory().await?;
    // With a slash at the end, rsync follows a link to a directory, such as `blobs` on a larger
    // disk.
    let (name, depth) = match below {
        Some(path) => (format!("{path}/"), "--recursive"),
        None => ("./".to_owned(), "--dirs"),
    };
    work.write_names([name.as_str()])?;
    let mut listed = list_names(session, &work, depth, context).await?.unwrap_or_default();
    let is_below = |path: &str| below.is_none() || path.starts_with(&name);
    listed.retain(|listed| {
        let path = &listed.path;
        !path.ends_with('/') && is_below(path) && !listing::is_unfinished(path)
    });
    Ok(listed)
}

/// Lists the names that `work` holds. `None` if the target directory does not exist.
async fn list_names(
    session: &Session,
    work: &WorkDirectory,
    depth: &str,
    context: &Context,
) -> Result<Option<Vec<Listed>>, Error> {
    let version = session.version(work, context).await?;
    let mut arguments = Arguments::new(&session.settings, version);
    arguments.add_all(["--dry-run", "--links", "--devices", "--specials", depth]);
    // `-ii` tells of the root too, which is at this side as well.
    arguments.add_all(["--ignore-missing-args", "-ii", listing::FORMAT]);
    arguments.add(format!("--exclude={PARTIAL_DIRECTORY}/"));
    arguments.by_names();
    let operand = session.settings.target.operand();
    let arguments = arguments.with_operands(&operand, &format!("{FETCHED}/"));
    let mut found = Vec::new();
    let on_line = |line: &str| {
        found.extend(listing::parse(line));
        if let Some(mode) = listing::root_mode(line) {
            session.see_root(mode);
        }
    };
    let outcome = session.run("list", work, arguments, context, on_line).await?;
    Ok(accept_missing(outcome)?.then_some(found))
}

/// The result of fetching a file.
#[derive(Debug)]
pub(super) enum Fetched {
    File(File),
    /// The file is larger than the limit.
    Larger,
    /// There is no file.
    Nothing,
}

impl Fetched {
    pub(super) fn file(self) -> Option<File> {
        match self {
            Self::File(file) => Some(file),
            Self::Larger | Self::Nothing => None,
        }
    }
}

/// Fetches a file of at most `limit` bytes into the private directory.
pub(super) async fn fetch(
    session: &Arc<Session>,
    path: &ReleasePath,
    limit: Option<u64>,
    context: &Context,
) -> Result<Fetched, Error> {
    let mut attempt = 1;
    loop {
        match fetch_once(session, path, limit, context).await {
            // The file was replaced or deleted just now.
            Err(Error::Rsync { source })
                if source.kind() == RsyncFailureKind::Vanished && attempt < FETCH_ATTEMPTS =>
            {
                attempt += 1;
            }
            fetched => return fetched,
        }
    }
}

async fn fetch_once(
    session: &Arc<Session>,
    path: &ReleasePath,
    limit: Option<u64>,
    context: &Context,
) -> Result<Fetched, Error> {
    let work = session.work_directory().await?;
    let version = session.version(&work, context).await?;
    let mut arguments = Arguments::new(&session.settings, version);
    arguments.add("--ignore-missing-args");
    if let Some(limit) = limit {
        arguments.add(format!("--max-size={limit}"));
        // Prints a line for each file that is too large.
        arguments.add("--info=skip1");
    }
    // Name the file itself. With a list of names, a daemon of rsync 3.5.0 without chroot does not
    // find files below a directory of its module.
    let operand = session.settings.target.operand() + path.as_str();
    let arguments = arguments.with_operands(&operand, &format!("{FETCHED}/"));
    let mut is_larger = false;
    let on_line = |line: &str| is_larger |= line.ends_with(" is over max-size");
    let outcome = session.run("read from", &work, arguments, context, on_line).await?;
    match outcome {
        Err(failure) if failure.kind() == RsyncFailureKind::Vanished => return Err(failure.into()),
        outcome => drop(accept_missing(outcome)?),
    }
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    // The far side could have sent a link to a file of this machine.
    let fetched = Directory::open(work.path(FETCHED)).and_then(|fetched| fetched.file(name));
    Ok(match fetched.map_err(Error::at_target)? {
        Some(file) => Fetched::File(file),
        None if is_larger => Fetched::Larger,
        None => Fetched::Nothing,
    })
}

/// Accepts a failure that only reports missing or deleted files. Returns true if the directory
/// itself exists.
pub(super) fn accept_missing(outcome: RunResult) -> Result<bool, Error> {
    let Err(failure) = outcome else { return Ok(true) };
    match failure.kind() {
        RsyncFailureKind::Vanished => Ok(true),
        RsyncFailureKind::Partial if failure.only_says_missing() => Ok(true),
        RsyncFailureKind::DirectoryMissing | RsyncFailureKind::RestrictedAccount
            if failure.only_says_missing() =>
        {
            Ok(false)
        }
        _ => Err(failure.into()),
    }
}
