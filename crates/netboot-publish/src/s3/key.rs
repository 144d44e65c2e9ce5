//! Where a path of the target lies in the bucket.

use netboot_core::ReleasePath;
use object_store::path::Path;

/// Where the store keeps what is its own. No [`ReleasePath`] begins with a dot.
const OWN: &str = ".netboot";

/// The keys of a target: all of a bucket, or what is below a prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// Empty, or ends with `/`.
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: Option<&ReleasePath>) -> Self {
        Self { prefix: prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default() }
    }

    /// The prefix that all keys have, empty or with a `/` at its end.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of an object.
    pub(super) fn key(&self, path: &ReleasePath) -> Path {
        Path::from(format!("{}{path}", self.prefix))
    }

    /// The key of something of the store's own.
    pub(super) fn own(&self, name: &str) -> Path {
        Path::from(format!("{}{OWN}/{name}", self.prefix))
    }

    /// The path of a key below the target's root; `None` for keys of others, of the store itself,
    /// and for the mark of the root's folder.
    pub(super) fn path<'a>(&self, key: &'a str) -> Option<&'a str> {
        let path = key.strip_prefix(&self.prefix)?;
        let own = path.strip_prefix(OWN).is_some_and(|rest| rest.starts_with('/'));
        (!path.is_empty() && !own).then_some(path)
    }
}
