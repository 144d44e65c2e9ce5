//! Lists the directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use netboot_core::ReleasePath;
use netboot_core::beneath::Found;

use super::root::{OWN_DIRECTORY, Root, find, is_missing, split};
use crate::error::Error;
use crate::store::{Entry, ListScope, Listed};

pub(super) fn stat(
    root: &Root,
    paths: Vec<ReleasePath>,
) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
    let mut found = BTreeMap::new();
    let Some(root) = root.open()? else { return Ok(found) };
    // Most paths are in the directory of the one before, such as that of the blobs.
    let (mut opened, mut last) = (None, None);
    for path in paths {
        let (directory, name) = split(&path);
        if last.as_deref() != Some(directory) {
            opened = find(&root, directory)?;
            last = Some(directory.to_owned());
        }
        if let Some(directory) = &opened
            && let Some(place) = directory.look(name).map_err(Error::at_target)?
        {
            found.insert(path, entry(place));
        }
    }
    Ok(found)
}

pub(super) fn list(root: &Root, scope: &ListScope) -> Result<Vec<Listed>, Error> {
    let mut found = Vec::new();
    let Some(root) = root.open()? else { return Ok(found) };
    let (start, is_deep) = match scope {
        ListScope::Root => (String::new(), false),
        ListScope::Below(path) => (path.to_string(), true),
    };
    let Some(start_directory) = find(&root, &start)? else { return Ok(found) };
    // Handles of all directories at once could be more than a process may have.
    let mut pending = vec![PathBuf::new()];
    while let Some(below) = pending.pop() {
        // Other publishers may prune at the same time.
        let Some(directory) = start_directory.directory_at(&below).map_err(Error::at_target)?
        else {
            continue;
        };
        let names = match directory.names() {
            Err(error) if is_missing(&error) => continue,
            names => names.map_err(Error::at_target)?,
        };
        for name in names {
            match directory.look(&name).map_err(Error::at_target)? {
                Some(Found::Directory) if is_deep => pending.push(below.join(name)),
                Some(Found::Directory) | None => {}
                Some(_) if !is_deep && name == OWN_DIRECTORY => {}
                Some(place) => {
                    let path = Path::new(&start).join(below.join(name));
                    let path = path.to_string_lossy().into_owned();
                    found.push(Listed { path, entry: entry(place) });
                }
            }
        }
    }
    Ok(found)
}

fn entry(place: Found) -> Entry {
    match place {
        Found::File { size, modified } => Entry::Object { size, modified },
        Found::Link { target } => Entry::Link { target: target.to_string_lossy().into_owned() },
        _ => Entry::Other,
    }
}
