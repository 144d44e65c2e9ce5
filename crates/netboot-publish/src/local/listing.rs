//! Lists the directory.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use netboot_core::ReleasePath;
use walkdir::WalkDir;

use super::root::{OWN_DIRECTORY, Root, if_there};
use crate::error::Error;
use crate::store::{Entry, ListScope, Listed};

pub(super) fn stat(
    root: &Root,
    paths: Vec<ReleasePath>,
) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
    root.check()?;
    let mut found = BTreeMap::new();
    for path in paths {
        let place = root.place(&path);
        let failed = |source| Error::io("look at", &place, source);
        if let Some(metadata) = if_there(fs::symlink_metadata(&place)).map_err(failed)?
            && let Some(entry) = entry(&place, &metadata).map_err(failed)?
        {
            found.insert(path, entry);
        }
    }
    Ok(found)
}

pub(super) fn list(root: &Root, scope: &ListScope) -> Result<Vec<Listed>, Error> {
    root.check()?;
    let (start, depth) = match scope {
        ListScope::Root => (root.path().to_owned(), 1),
        ListScope::Below(path) => (root.place(path), usize::MAX),
    };
    let mut found = Vec::new();
    // The start may be a link, such as `blobs` on a larger disk. The walk follows it.
    let walk = WalkDir::new(&start).min_depth(1).max_depth(depth).into_iter();
    let is_own = |path: &Path| path == root.path().join(OWN_DIRECTORY);
    for item in walk.filter_entry(|item| !is_own(item.path())) {
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                let path = error.path().unwrap_or(&start).to_owned();
                let source = io::Error::from(error);
                // Other publishers may prune at the same time.
                if source.kind() == io::ErrorKind::NotFound {
                    continue;
                }
                return Err(Error::io("list", path, source));
            }
        };
        if item.file_type().is_dir() {
            continue;
        }
        let failed = |source| Error::io("look at", item.path(), source);
        let Some(metadata) = if_there(fs::symlink_metadata(item.path())).map_err(failed)? else {
            continue;
        };
        if let Some(entry) = entry(item.path(), &metadata).map_err(failed)? {
            let below = item.path().strip_prefix(root.path()).unwrap_or(item.path());
            found.push(Listed { path: below.to_string_lossy().into_owned(), entry });
        }
    }
    Ok(found)
}

/// `None` for a link that another publisher deleted just now.
fn entry(path: &Path, metadata: &Metadata) -> io::Result<Option<Entry>> {
    Ok(Some(if metadata.is_symlink() {
        let Some(target) = if_there(fs::read_link(path))? else { return Ok(None) };
        Entry::Link { target: target.to_string_lossy().into_owned() }
    } else if metadata.is_file() {
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        Entry::Object { size: metadata.len(), modified }
    } else {
        Entry::Other
    }))
}
