//! What a store says of its objects.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use netboot_core::ReleasePath;

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// An object.
    Object {
        /// Its size in bytes.
        size: u64,
        /// When it was put there, by the clock of the store.
        modified: SystemTime,
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as it is written in the link.
        target: String,
    },
    /// Something that no publisher makes: a directory, a device, a socket.
    Other,
}

impl Entry {
    /// The size in bytes, if it is an object.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Object { size, .. } => Some(*size),
            Self::Link { .. } | Self::Other => None,
        }
    }

    /// When it was put there, if it is an object.
    pub fn modified(&self) -> Option<SystemTime> {
        match self {
            Self::Object { modified, .. } => Some(*modified),
            Self::Link { .. } | Self::Other => None,
        }
    }
}

/// Where [`Store::list`](crate::Store::list) looks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListScope {
    /// Right in the root of the target, not below.
    Root,
    /// Anywhere below this path.
    Below(ReleasePath),
}

/// One thing that [`Store::list`](crate::Store::list) found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Listed {
    /// Its path below the root of the target. A text, since others may have put things there
    /// under names that no [`ReleasePath`] has.
    pub path: String,
    /// What it is.
    pub entry: Entry,
}

/// What a store calls the present state of an object: an `ETag`, a digest. Only equality means
/// anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// A version with the store's own name for it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The store's own name for it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A small object's bytes and version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Document {
    /// The bytes.
    pub bytes: Bytes,
    /// Their version.
    pub version: Version,
}

/// How a [`Store::swap`](crate::Store::swap) ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores make it, and a swap happens or does not")]
pub enum Swap {
    /// The new bytes are there.
    Done,
    /// Another version is there than was expected; nothing was changed.
    Conflict,
}
