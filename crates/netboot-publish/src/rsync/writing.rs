//! Changes the target: sends, deletes, creates links.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::sync::Arc;

use netboot_core::layout::{self, Area};
use netboot_core::{Context, ReleasePath};
use tokio::task::JoinHandle;

use super::known_directories::{needed, parents};
use super::listing::{self, PARTIAL_DIRECTORY};
use super::new_directories::NewDirectories;
use super::progress::Progress;
use super::reading;
use super::session::Session;
use super::staging;
use crate::error::Error;
use crate::store::Upload;

/// Sends a batch in one run. `rsync` puts each file into place by a rename. The same run deletes
/// the files in `unneeded`, at any time. Returns the deletion of the copies that the run needed,
/// which the caller waits for at last.
pub(super) async fn send(
    session: &Arc<Session>,
    uploads: &[Upload],
    unneeded: &[ReleasePath],
    directories: NewDirectories,
    context: &Context,
) -> Result<JoinHandle<()>, Error> {
    let work = session.work_directory().await?;
    staging::stage(&work, uploads, context).await?;
    let paths = || uploads.iter().map(Upload::path);
    // rsync deletes a name that is missing in the tree. Its parent directory must be in the tree.
    work.create_parents(unneeded)?;
    let names = paths().chain(unneeded).map(ReleasePath::as_str);
    work.write_names(directories.names().chain(names))?;
    let (partial, chmod) = (format!("--partial-dir={PARTIAL_DIRECTORY}"), modes(session));
    let mut options = vec![
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
    if !unneeded.is_empty() {
        options.push("--delete-missing-args");
    }
    let mut progress = Progress::of(uploads);
    let on_line = |line: &str| progress.line(line, context);
    session.write("send to", &work, &options, context, on_line).await?;
    session.directories.add(needed(paths()));
    progress.finish(context);
    if let Some((error, paths)) = staging::changed(uploads).await {
        delete_names(session, &paths, context).await?;
        return Err(error.into());
    }
    // Deleting large copies takes time. The next run need not wait for it.
    Ok(tokio::task::spawn_blocking(move || drop(work)))
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
    session.directories.add(needed(links.keys()));
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
        session.directories.forget();
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
    session.directories.forget();
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
    work.create_parents(paths)?;
    work.write_names(paths.iter().map(ReleasePath::as_str))?;
    let options = ["--recursive", "--existing", "--delete-missing-args"];
    session.write("delete in", &work, &options, context, |_| {}).await
}
