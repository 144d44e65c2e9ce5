//! Changes the target: sends, deletes, creates links.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::sync::Arc;

use netboot_core::layout::{self, Area};
use netboot_core::{Context, ReleasePath};

use super::listing::{self, PARTIAL_DIRECTORY};
use super::progress::Progress;
use super::reading;
use super::record;
use super::session::Session;
use super::staging;
use crate::error::Error;
use crate::store::Upload;

/// The name of the root in a list of names.
const ROOT: &str = ".";

/// Sends a batch in one run. `rsync` puts each file into place by a rename.
pub(super) async fn send(
    session: &Arc<Session>,
    uploads: &[Upload],
    directories: NewDirectories,
    context: &Context,
) -> Result<(), Error> {
    let work = session.work_directory().await?;
    staging::stage(&work, uploads, context).await?;
    let paths = || uploads.iter().map(Upload::path);
    work.write_names(directories.names().chain(paths().map(ReleasePath::as_str)))?;
    let (partial, chmod) = (format!("--partial-dir={PARTIAL_DIRECTORY}"), modes(session));
    let options = [
        // The tree has links to files that need no copy.
        "--copy-links",
        // An existing file is never trusted by its size and time. Blocks that it shares with the
        // new file are not sent again.
        "--ignore-times",
        "--no-whole-file",
        "--dirs",
        "--perms",
        &chmod,
        &partial,
        "--info=progress1,name0",
        listing::FORMAT,
    ];
    let mut progress = Progress::of(uploads);
    let on_line = |line: &str| progress.line(line, context);
    session.write("send to", &work, &options, context, on_line).await?;
    session.remember_directories(needed(paths()));
    progress.finish(context);
    Ok(())
}

/// The modes of new files and directories. A group that may write to the target directory may write
/// to them too, and they are of that group if the directory hands its group on.
fn modes(session: &Session) -> String {
    let root = session.root_mode().unwrap_or_default();
    let (group_write, set_group) = (root & 0o020, root & 0o2000);
    format!("--chmod=D{:o},F{:o}", 0o755 | set_group | group_write, 0o644 | group_write)
}

/// Creates symbolic links.
pub(super) async fn link(
    session: &Arc<Session>,
    links: &BTreeMap<ReleasePath, String>,
    directories: NewDirectories,
    context: &Context,
) -> Result<(), Error> {
    let work = session.work_directory().await?;
    work.create_parents(links.keys())?;
    for (path, target) in links {
        let place = work.in_tree(path);
        symlink(target, &place).map_err(|source| Error::io("link", &place, source))?;
    }
    work.write_names(directories.names().chain(links.keys().map(ReleasePath::as_str)))?;
    let chmod = modes(session);
    let options = ["--links", "--ignore-times", "--dirs", "--perms", &chmod];
    session.write("link in", &work, &options, context, |_| {}).await?;
    session.remember_directories(needed(links.keys()));
    Ok(())
}

/// Deletes `paths`. If the target can be read (`can_look`), also deletes the directories below
/// `releases/` that become empty.
pub(super) async fn delete(
    session: &Arc<Session>,
    paths: &[ReleasePath],
    can_look: bool,
    context: &Context,
) -> Result<(), Error> {
    delete_names(session, paths, context).await?;
    if !can_look {
        session.forget_directories();
        return Ok(());
    }
    // Directories in the root always stay.
    let below_releases = |path: &ReleasePath| {
        Area::of(path.as_str()) == Area::Releases && *path != layout::releases()
    };
    let emptied: BTreeSet<ReleasePath> =
        paths.iter().flat_map(parents).filter(below_releases).collect();
    if emptied.is_empty() {
        return Ok(());
    }
    session.forget_directories();
    let names = emptied.iter().map(ReleasePath::as_str);
    let there = reading::directories(session, names, context).await?;
    let mut by_depth: BTreeMap<usize, Vec<ReleasePath>> = BTreeMap::new();
    for directory in emptied.into_iter().filter(|path| there.contains(path.as_str())) {
        by_depth.entry(directory.as_str().split('/').count()).or_default().push(directory);
    }
    for directories in by_depth.into_values().rev() {
        delete_names(session, &directories, context).await?;
    }
    Ok(())
}

/// Deletes files, links and empty directories. Leaves directories that are not empty.
async fn delete_names(
    session: &Arc<Session>,
    paths: &[ReleasePath],
    context: &Context,
) -> Result<(), Error> {
    let work = session.work_directory().await?;
    // rsync deletes a name that is missing in the tree. Its parent directory must be in the tree.
    work.create_parents(paths)?;
    work.write_names(paths.iter().map(ReleasePath::as_str))?;
    let options = ["--recursive", "--existing", "--delete-missing-args"];
    session.write("delete in", &work, &options, context, |_| {}).await
}

/// The directories that a batch needs and the target does not have. Only these are sent, so that
/// existing directories keep their owner and mode.
#[derive(Debug)]
pub(super) struct NewDirectories(BTreeSet<String>);

impl NewDirectories {
    /// Looks at the target for the directories above `paths`.
    pub(super) async fn of(
        session: &Arc<Session>,
        paths: impl IntoIterator<Item = &ReleasePath>,
        context: &Context,
    ) -> Result<Self, Error> {
        let unknown = session.unknown_directories(needed(paths));
        if unknown.is_empty() {
            return Ok(Self(unknown));
        }
        // A look at the root tells its mode.
        let is_seen = session.root_mode().is_some();
        let names = || unknown.iter().map(String::as_str).filter(|path| *path != ROOT || !is_seen);
        let found = reading::stat_in_root(session, names(), context).await?;
        session.warn_about_root(context);
        let is_there = |path: &String| match &found {
            Some(found) => path == ROOT || found.contains_key(path),
            None => false,
        };
        let (there, missing): (BTreeSet<String>, _) = unknown.iter().cloned().partition(is_there);
        session.remember_directories(there);
        Ok(Self(missing))
    }

    /// Finds the missing directories above `paths` by a dry run, for a target that cannot be read.
    pub(super) async fn by_asking(
        session: &Arc<Session>,
        paths: impl IntoIterator<Item = &ReleasePath>,
        context: &Context,
    ) -> Result<Self, Error> {
        let mut unknown = session.unknown_directories(needed(paths));
        unknown.remove(ROOT);
        if unknown.is_empty() {
            return Ok(Self(unknown));
        }
        record::missing_directories(session, &unknown, context).await.map(Self)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn needed<'a>(paths: impl IntoIterator<Item = &'a ReleasePath>) -> BTreeSet<String> {
    let above = paths.into_iter().flat_map(parents).map(|path| path.to_string());
    above.chain([ROOT.to_owned()]).collect()
}

/// The directories above a path, innermost first, without the root.
fn parents(path: &ReleasePath) -> impl Iterator<Item = ReleasePath> {
    let parent = |path: &ReleasePath| {
        let (parent, _) = path.as_str().rsplit_once('/')?;
        ReleasePath::new(parent).ok()
    };
    std::iter::successors(parent(path), parent)
}
