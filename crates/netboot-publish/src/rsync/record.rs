//! The record of everything that was sent to an account that may only write.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::try_join;
use netboot_core::{ArtifactReader, Context, ReleasePath};
use tokio::sync::RwLock;

use super::arguments::Arguments;
use super::known_directories::needed;
use super::listing;
use super::session::Session;
use super::work_directory::{TREE, WorkDirectory};
use crate::error::Error;
use crate::local::LocalStore;
use crate::store::{Answer, Document, Entry, ListScope, Listed, Question, Store};

/// The maximum size in bytes of a file that is always compared by its bytes: pointers, entry points
/// and manifests.
const COMPARED_WHOLE: u64 = 1024 * 1024;

/// A copy of everything that was sent. The store reads this copy, because it cannot read the
/// target.
///
/// Dry runs of `rsync` compare the target with the copy: they print which files they would send
/// again.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) copy: LocalStore,
    /// Locked for writing while the target and then the copy are changed.
    pub(super) changing: RwLock<()>,
}

/// The state of a file at the target, compared with the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Same,
    Absent,
    Different,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CompareBy {
    Size,
    Bytes,
}

impl Record {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { copy: LocalStore::new(directory), changing: RwLock::new(()) }
    }

    /// The entries at `paths`: files that were sent and are still there. Anything else at the
    /// target is [`Entry::Other`].
    pub(super) async fn stat(
        &self,
        session: &Arc<Session>,
        paths: &[ReleasePath],
    ) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        let _unchanged = self.changing.read().await;
        let recorded = self.copy.stat(paths).await?;
        let unknown: Vec<ReleasePath> =
            paths.iter().filter(|path| !recorded.contains_key(*path)).cloned().collect();
        let mut found = self.still_there(session, recorded).await?;
        let foreign = self.compare(session, &unknown, CompareBy::Size).await?;
        let foreign = foreign.into_iter().filter(|(_, found)| *found != Comparison::Absent);
        found.extend(foreign.map(|(path, _)| (path, Entry::Other)));
        Ok(found)
    }

    /// Answers a question with two runs at once: one compares small files by their bytes, the other
    /// one compares sizes and finds out which directories are missing.
    pub(super) async fn look(
        &self,
        session: &Arc<Session>,
        question: &Question,
    ) -> Result<Answer, Error> {
        let _unchanged = self.changing.read().await;
        let paths: Vec<ReleasePath> = question.paths().cloned().collect();
        let mut recorded = self.copy.look(question).await?;
        let small = |path: &&ReleasePath| {
            let size = recorded.entries.get(*path).and_then(Entry::size);
            size.is_some_and(|size| size <= COMPARED_WHOLE)
        };
        let is_link = |path: &&ReleasePath| {
            recorded.entries.get(*path).is_some_and(|entry| entry.size().is_none())
        };
        let documents: BTreeSet<&ReleasePath> = recorded.documents.keys().collect();
        let by_bytes = |path: &&ReleasePath| small(path) || documents.contains(path);
        let others = paths.iter().filter(|path| !by_bytes(path) && !is_link(path));
        let (by_bytes, by_size): (Vec<ReleasePath>, Vec<ReleasePath>) =
            (paths.iter().filter(by_bytes).cloned().collect(), others.cloned().collect());
        let directories = needed(&paths);
        let (mut compared, sizes) = try_join(
            self.compare(session, &by_bytes, CompareBy::Bytes),
            self.compare_in(session, &by_size, &directories),
        )
        .await?;
        compared.extend(sizes);
        for path in &paths {
            let state = compared.get(path).copied();
            match (state, recorded.entries.contains_key(path)) {
                (None, _) | (Some(Comparison::Same), true) => {}
                (Some(Comparison::Absent), _) => drop(recorded.entries.remove(path)),
                (Some(Comparison::Different), _) | (Some(Comparison::Same), false) => {
                    recorded.entries.insert(path.clone(), Entry::Other);
                }
            }
            if !matches!(recorded.entries.get(path), Some(Entry::Object { .. })) {
                recorded.documents.remove(path);
            }
        }
        Ok(recorded)
    }

    /// The entries in `scope` that were sent and are still there.
    pub(super) async fn list(
        &self,
        session: &Arc<Session>,
        scope: &ListScope,
    ) -> Result<Vec<Listed>, Error> {
        let _unchanged = self.changing.read().await;
        let listed = self.copy.list(scope).await?;
        let path = |listed: Listed| Some((ReleasePath::new(listed.path).ok()?, listed.entry));
        let found = self.still_there(session, listed.into_iter().filter_map(path).collect());
        let listed = |(path, entry): (ReleasePath, Entry)| Listed { path: path.into(), entry };
        Ok(found.await?.into_iter().map(listed).collect())
    }

    /// The bytes that were sent, if the target still has them.
    pub(super) async fn read(
        &self,
        session: &Arc<Session>,
        path: &ReleasePath,
    ) -> Result<Option<Document>, Error> {
        let _unchanged = self.changing.read().await;
        let document = self.copy.read(path).await?;
        Ok(if self.has_same(session, path).await? { document } else { None })
    }

    /// A reader of the bytes that were sent, if the target still has them.
    pub(super) async fn open(
        &self,
        session: &Arc<Session>,
        path: &ReleasePath,
    ) -> Result<Option<ArtifactReader>, Error> {
        let _unchanged = self.changing.read().await;
        let reader = self.copy.open(path).await?;
        Ok(if self.has_same(session, path).await? { reader } else { None })
    }

    /// A reader of a part of the bytes that were sent, if the target still has them.
    pub(super) async fn open_range(
        &self,
        session: &Arc<Session>,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        let _unchanged = self.changing.read().await;
        let reader = self.copy.open_range(path, range).await?;
        Ok(if self.has_same(session, path).await? { reader } else { None })
    }

    async fn has_same(&self, session: &Arc<Session>, path: &ReleasePath) -> Result<bool, Error> {
        let paths = std::slice::from_ref(path);
        if self.copy.stat(paths).await?.is_empty() {
            return Ok(false);
        }
        let compared = self.compare(session, paths, CompareBy::Bytes).await?;
        Ok(compared.get(path) == Some(&Comparison::Same))
    }

    /// The recorded entries that are still at the target. A file that was changed there is
    /// [`Entry::Other`].
    async fn still_there(
        &self,
        session: &Arc<Session>,
        recorded: BTreeMap<ReleasePath, Entry>,
    ) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for (path, entry) in &recorded {
            match entry.size() {
                Some(size) if size <= COMPARED_WHOLE => small.push(path.clone()),
                Some(_) => large.push(path.clone()),
                // rsync cannot tell if a link is still there.
                None => {}
            }
        }
        let mut compared = self.compare(session, &small, CompareBy::Bytes).await?;
        compared.extend(self.compare(session, &large, CompareBy::Size).await?);
        let entry = |(path, entry): (ReleasePath, Entry)| match compared.get(&path) {
            None | Some(Comparison::Same) => Some((path, entry)),
            Some(Comparison::Different) => Some((path, Entry::Other)),
            Some(Comparison::Absent) => None,
        };
        Ok(recorded.into_iter().filter_map(entry).collect())
    }

    /// Compares the target with the copy, or with an empty file if the copy has none.
    async fn compare(
        &self,
        session: &Arc<Session>,
        paths: &[ReleasePath],
        by: CompareBy,
    ) -> Result<BTreeMap<ReleasePath, Comparison>, Error> {
        if paths.is_empty() {
            return Ok(BTreeMap::new());
        }
        let how = if by == CompareBy::Bytes { "--checksum" } else { "--size-only" };
        Ok(self.compare_with(session, paths, &[], how).await?.0)
    }

    /// Compares sizes. The session remembers which of the directories are at the target.
    async fn compare_in(
        &self,
        session: &Arc<Session>,
        paths: &[ReleasePath],
        directories: &BTreeSet<String>,
    ) -> Result<BTreeMap<ReleasePath, Comparison>, Error> {
        let directories = session.directories.unknown(directories);
        if paths.is_empty() && directories.is_empty() {
            return Ok(BTreeMap::new());
        }
        let names: Vec<&str> = directories.iter().map(String::as_str).collect();
        let (compared, missing) = self.compare_with(session, paths, &names, "--size-only").await?;
        let (missing, there) =
            directories.into_iter().partition(|directory| missing.contains(directory));
        session.directories.saw(there, missing);
        Ok(compared)
    }

    /// Compares the target with the copy. Returns the missing ones of `directories`, too.
    async fn compare_with(
        &self,
        session: &Arc<Session>,
        paths: &[ReleasePath],
        directories: &[&str],
        how: &str,
    ) -> Result<(BTreeMap<ReleasePath, Comparison>, BTreeSet<String>), Error> {
        let context = Context::new();
        let work = session.work_directory().await?;
        for directory in directories {
            let path = work.path(TREE).join(directory);
            std::fs::create_dir_all(&path).map_err(|source| Error::io("create", &path, source))?;
        }
        let mut compared = BTreeMap::new();
        for path in paths {
            // If one path is a parent of another one, the longer path cannot exist.
            let laid_out = self.lay_out(&work, path)?;
            let begin = if laid_out { Comparison::Same } else { Comparison::Absent };
            compared.insert(path.clone(), begin);
        }
        let laid_out = compared.iter().filter(|(_, begin)| **begin == Comparison::Same);
        let laid_out = laid_out.map(|(path, _)| path.as_str());
        let tree: Vec<&str> = directories.iter().copied().chain(laid_out).collect();
        let sent = would_send(session, &work, &tree, how, &context).await?;
        let mut missing = BTreeSet::new();
        for (path, is_new) in sent {
            if let Some(directory) = path.strip_suffix('/') {
                missing.extend(is_new.then(|| directory.to_owned()));
                continue;
            }
            let Ok(path) = ReleasePath::new(path) else { continue };
            let found = if is_new { Comparison::Absent } else { Comparison::Different };
            compared.insert(path, found);
        }
        Ok((compared, missing))
    }

    fn lay_out(&self, work: &WorkDirectory, path: &ReleasePath) -> Result<bool, Error> {
        let place = work.in_tree(path);
        if work.create_parents([path]).is_err() || place.exists() {
            return Ok(false);
        }
        let copy = self.copy.directory().join(path.as_str());
        let laid_out = match std::fs::canonicalize(&copy) {
            Ok(copy) => symlink(copy, &place),
            Err(_) => std::fs::write(&place, ""),
        };
        laid_out.map_err(|source| Error::io("write", &place, source))?;
        Ok(true)
    }
}

/// The directories of `directories` that the target does not have.
pub(super) async fn missing_directories(
    session: &Arc<Session>,
    directories: &BTreeSet<String>,
    context: &Context,
) -> Result<BTreeSet<String>, Error> {
    let work = session.work_directory().await?;
    for directory in directories {
        let path = work.path(TREE).join(directory);
        std::fs::create_dir_all(&path).map_err(|source| Error::io("create", &path, source))?;
    }
    let tree: Vec<&str> = directories.iter().map(String::as_str).collect();
    let sent = would_send(session, &work, &tree, "--dirs", context).await?;
    let missing = |(path, is_new): (String, bool)| {
        let path = path.strip_suffix('/')?.to_owned();
        (is_new && directories.contains(&path)).then_some(path)
    };
    Ok(sent.into_iter().filter_map(missing).collect())
}

/// The files of the tree that `rsync` would send. The flag is true if the target has nothing there.
async fn would_send(
    session: &Arc<Session>,
    work: &WorkDirectory,
    tree: &[&str],
    how: &str,
    context: &Context,
) -> Result<Vec<(String, bool)>, Error> {
    work.write_names(tree.iter().copied())?;
    let version = session.version(work, context).await?;
    let mut arguments = Arguments::new(&session.settings, version);
    arguments.add_all(["--dry-run", "--copy-links", "--dirs", how, listing::FORMAT]);
    arguments.by_names();
    let operand = session.settings.target.operand();
    let arguments = arguments.with_operands(&format!("{TREE}/"), &operand);
    let mut found = Vec::new();
    let on_line = |line: &str| {
        if let Some(listed) = listing::parse(line) {
            found.push((listed.path, listing::is_new(line)));
        }
    };
    let outcome = session.run("compare with", work, arguments, context, on_line).await?;
    let Err(failure) = outcome else { return Ok(found) };
    if !failure.only_says_missing() {
        return Err(failure.into());
    }
    // Nothing can exist below a file.
    let places = failure.last_lines().iter().filter_map(|line| line.split('"').nth(1));
    let names = tree.iter().filter(|name| places.clone().any(|place| place.ends_with(*name)));
    found.extend(names.map(|name| ((*name).to_owned(), true)));
    Ok(found)
}
