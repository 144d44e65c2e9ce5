//! Following links that stay beneath a directory, for web servers.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Component, Path};

use super::{Directory, Found};
use crate::error::Error;

/// The number of links that one path may lead through, as in Linux.
const LINKS: usize = 40;

impl Directory {
    /// Opens the regular file at a relative path, following links that stay beneath this directory.
    ///
    /// Each step is taken by handle: a link that is changed meanwhile cannot lead outside either.
    ///
    /// # Errors
    /// [`Error::SymbolicLink`] if a link leads out of this directory or the path has more than 40
    /// links; otherwise see [`Directory`].
    pub fn file_through_links(&self, path: impl AsRef<Path>) -> Result<Option<File>, Error> {
        let path = path.as_ref();
        let leaves = || Error::SymbolicLink { path: self.path().join(path) };
        let mut pending = VecDeque::new();
        prepend(&mut pending, path);
        let (mut above, mut here, mut links) = (Vec::new(), self.clone(), 0);
        while let Some(name) = pending.pop_front() {
            match Path::new(&name).components().next() {
                Some(Component::Normal(_)) => {}
                Some(Component::ParentDir) => {
                    here = above.pop().ok_or_else(leaves)?;
                    continue;
                }
                Some(Component::CurDir) | None => continue,
                Some(Component::RootDir | Component::Prefix(_)) => return Err(leaves()),
            }
            if let Some(Found::Link { target }) = here.look(&name)? {
                links += 1;
                if links > LINKS {
                    return Err(leaves());
                }
                prepend(&mut pending, &target);
            } else if pending.is_empty() {
                return here.file(&name);
            } else {
                let Some(next) = here.directory(&name)? else { return Ok(None) };
                above.push(std::mem::replace(&mut here, next));
            }
        }
        Err(Error::NotAFile { path: self.path().join(path) })
    }
}

fn prepend(pending: &mut VecDeque<OsString>, path: &Path) {
    for component in path.components().rev() {
        pending.push_front(component.as_os_str().to_owned());
    }
}
