//! Maps the paths of a target to keys of the bucket.

use netboot_core::ReleasePath;
use object_store::path::Path;

/// The directory for the store's own objects. No [`ReleasePath`] starts with a dot.
const OWN: &str = ".netboot";

/// The keys of a target: those of a whole bucket, or those below a prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// Empty, or ends with `/`.
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: Option<&ReleasePath>) -> Self {
        Self { prefix: prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default() }
    }

    /// The prefix of all keys: empty, or with a `/` at the end.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of an object.
    pub(super) fn key(&self, path: &ReleasePath) -> Path {
        Path::from(format!("{}{path}", self.prefix))
    }

    /// The key of one of the store's own objects.
    pub(super) fn own(&self, name: &str) -> Path {
        Path::from(format!("{}{OWN}/{name}", self.prefix))
    }

    /// The path of a key below the root of the target. `None` for keys outside of the target, for
    /// the store's own keys, and for the folder marker of the root.
    pub(super) fn path<'a>(&self, key: &'a str) -> Option<&'a str> {
        let path = key.strip_prefix(&self.prefix)?;
        let own = path.strip_prefix(OWN).is_some_and(|rest| rest.starts_with('/'));
        (!path.is_empty() && !own).then_some(path)
    }
}
