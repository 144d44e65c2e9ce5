//! The answer to a question in one run: small files are fetched, and the others are only told.
//!
//! The private directory has an empty file of the expected size for each file that is only to be
//! told. With `--size-only`, `rsync` takes a file of this size for the same file: it prints a line
//! about it (`-ii`) and does not fetch it. So the run tells everything that a listing tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::try_join;
use netboot_core::beneath::Directory;
use netboot_core::{Context, ReleasePath, Sha256Digest};

use super::arguments::Arguments;
use super::failure::RsyncFailureKind;
use super::known_directories::{ROOT, needed, parents};
use super::listing;
use super::reading::{self, Fetched};
use super::session::Session;
use super::work_directory::{FETCHED, WorkDirectory};
use crate::error::Error;
use crate::store::{Answer, DOCUMENT_LIMIT, Document, Entry, Question, Version};

/// The maximum size in bytes of a document that comes with a look: 8 MiB.
const LIMIT: u64 = 8 * 1024 * 1024;

/// The maximum number of attempts if files disappear meanwhile.
const ATTEMPTS: usize = 3;

/// Answers a question.
pub(super) async fn look(
    session: &Arc<Session>,
    question: &Question,
    context: &Context,
) -> Result<Answer, Error> {
    let above: BTreeSet<String> = needed(question.paths());
    // A listing tells paths without an expected size. It also tells paths with others below them,
    // and those others: the private directory cannot have both.
    let is_nested = |path: &ReleasePath| {
        above.contains(path.as_str()) || parents(path).any(|parent| question.has(&parent))
    };
    let listed = question.entries().filter(|(path, size)| size.is_none() || is_nested(path));
    let documents = question.documents().filter(|path| is_nested(path));
    let listed: BTreeSet<&ReleasePath> = listed.map(|(path, _)| path).chain(documents).collect();
    let (mut answer, entries) = try_join(
        look_at_most(session, question, &listed, context),
        stat(session, &listed, context),
    )
    .await?;
    answer.entries.extend(entries);
    for path in question.documents() {
        // The file is larger than most, or it was just replaced.
        let size = answer.entries.get(path).and_then(Entry::size);
        if !answer.documents.contains_key(path) && size.is_some_and(|size| size <= DOCUMENT_LIMIT) {
            let fetched = reading::fetch(session, path, Some(DOCUMENT_LIMIT), context).await?;
            if let Fetched::File(file) = fetched {
                answer.documents.insert(path.clone(), read(path, file).await?);
            }
        }
    }
    Ok(answer)
}

/// Reads a fetched file.
pub(super) async fn read(path: &ReleasePath, mut file: File) -> Result<Document, Error> {
    let name = path.to_string();
    let reading = move || {
        let mut bytes = Vec::new();
        let read = file.read_to_end(&mut bytes);
        read.map_err(|source| Error::io("read", &name, source))?;
        Ok::<_, Error>(document(bytes.into()))
    };
    netboot_core::blocking(reading).await
}

fn document(bytes: Bytes) -> Document {
    let version = Version::new(Sha256Digest::of(&bytes).to_string());
    Document { bytes, version }
}

/// The entries of `paths`, by a listing.
async fn stat(
    session: &Arc<Session>,
    paths: &BTreeSet<&ReleasePath>,
    context: &Context,
) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names = paths.iter().map(|path| path.as_str());
    let mut found = reading::stat(session, names, context).await?;
    let entry = |path: &&ReleasePath| Some(((*path).clone(), found.remove(path.as_str())?));
    Ok(paths.iter().filter_map(entry).collect())
}

/// Answers a question without the `listed` paths.
async fn look_at_most(
    session: &Arc<Session>,
    question: &Question,
    listed: &BTreeSet<&ReleasePath>,
    context: &Context,
) -> Result<Answer, Error> {
    for _ in 1..ATTEMPTS {
        match look_once(session, question, listed, false, context).await {
            Err(Error::Rsync { source }) if source.kind() == RsyncFailureKind::Vanished => {}
            looked => return looked,
        }
    }
    look_once(session, question, listed, true, context).await
}

async fn look_once(
    session: &Arc<Session>,
    question: &Question,
    listed: &BTreeSet<&ReleasePath>,
    may_vanish: bool,
    context: &Context,
) -> Result<Answer, Error> {
    let asked: BTreeSet<&ReleasePath> =
        question.paths().filter(|path| !listed.contains(path)).collect();
    if asked.is_empty() {
        return Ok(Answer::default());
    }
    let work = session.work_directory().await?;
    lay_out(&work, question.entries().filter(|(path, _)| asked.contains(path)))?;
    let directories = needed(asked.iter().copied());
    let (operand, before) = session.settings.target.operand_for_names();
    let names = directories.iter().map(String::as_str).chain(asked.iter().map(|it| it.as_str()));
    let names: Vec<String> = names.map(|name| format!("{before}{name}")).collect();
    work.write_names(names.iter().map(String::as_str))?;
    let version = session.version(&work, context).await?;
    let mut arguments = Arguments::new(&session.settings, version);
    // Without `--links` and `--devices`, a hostile far side can create files and directories only.
    arguments.add_all(["--size-only", "-ii", "--dirs", "--ignore-missing-args", listing::FORMAT]);
    // A file that has another size than the caller expects is fetched too. It costs no more than
    // the largest file that the caller expects. Larger files are told by a listing, and rsync
    // counts among these also files of the expected size.
    let expected = question.entries().filter_map(|(_, size)| size).max().unwrap_or_default();
    arguments.add(format!("--max-size={}", expected.max(LIMIT)));
    // Prints a line for each file that is too large, and for links and the like.
    arguments.add("--info=skip1,nonreg1");
    arguments.by_names();
    let arguments = arguments.with_operands(&operand, &format!("{FETCHED}/"));
    let (mut found, mut skipped) = (BTreeMap::new(), BTreeSet::new());
    let on_line = |line: &str| {
        if let Some(listed) = listing::parse(line) {
            let path = listed.path.strip_suffix('/').unwrap_or(&listed.path);
            found.insert(path.to_owned(), listed.entry);
            if let Some(mode) = listing::root_mode(line) {
                session.see_root(mode);
            }
        } else {
            skipped.extend(skipped_name(line).map(str::to_owned));
        }
    };
    let outcome = session.run("look at", &work, arguments, context, on_line).await?;
    match outcome {
        Err(failure) if failure.kind() == RsyncFailureKind::Vanished && !may_vanish => {
            return Err(failure.into());
        }
        outcome => drop(reading::accept_missing(outcome)?),
    }
    // A directory may be a link to another disk.
    let is_there = |path: &String| {
        let name = if path == ROOT { "." } else { path };
        found.contains_key(name) || skipped.contains(name)
    };
    let (there, missing) = directories.into_iter().partition(is_there);
    session.directories.saw(there, missing);

    let untold = asked.iter().copied().filter(|path| skipped.contains(path.as_str())).collect();
    let mut answer =
        Answer { entries: stat(session, &untold, context).await?, documents: BTreeMap::new() };
    let entry = |path: &&ReleasePath| Some(((*path).clone(), found.remove(path.as_str())?));
    answer.entries.extend(asked.iter().filter_map(entry));
    for path in question.documents().filter(|path| asked.contains(path)) {
        let is_object = answer.entries.get(path).is_some_and(|entry| entry.size().is_some());
        if let Some(file) = fetched(&work, path).filter(|_| is_object) {
            answer.documents.insert(path.clone(), read(path, file).await?);
        }
    }
    Ok(answer)
}

/// Puts an empty file of the expected size into the private directory for each path.
fn lay_out<'a>(
    work: &WorkDirectory,
    paths: impl Iterator<Item = (&'a ReleasePath, Option<u64>)>,
) -> Result<(), Error> {
    for (path, size) in paths {
        let place = work.path(FETCHED).join(path.as_str());
        let parent = place.parent().unwrap_or(Path::new(""));
        let created = std::fs::create_dir_all(parent).and_then(|()| File::create_new(&place));
        let sized = created.and_then(|file| file.set_len(size.unwrap_or_default()));
        sized.map_err(|source| Error::io("create", &place, source))?;
    }
    Ok(())
}

/// The name in a line about a file that `rsync` does not fetch. Such a line has no size and no
/// kind.
fn skipped_name(line: &str) -> Option<&str> {
    let too_large = line.strip_suffix(" is over max-size");
    let not_a_file = || {
        line.strip_prefix("skipping non-regular file \"").and_then(|line| line.strip_suffix('"'))
    };
    too_large.or_else(not_a_file)
}

/// Opens a file that was fetched. The far side could have sent something else in its place, which
/// counts as nothing.
fn fetched(work: &WorkDirectory, path: &ReleasePath) -> Option<File> {
    let (parent, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
    let directory = Directory::open(work.path(FETCHED)).ok()?.directory_at(parent).ok()??;
    let file = directory.file(name).ok()??;
    (file.metadata().ok()?.len() <= LIMIT).then_some(file)
}
