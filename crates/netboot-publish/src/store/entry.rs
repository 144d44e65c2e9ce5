//! The data that a store returns about its objects.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use netboot_core::ReleasePath;

/// The thing at a path of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// An object.
    Object {
        /// The size in bytes.
        size: u64,
        /// The time of the last write, by the store's clock.
        modified: SystemTime,
    },
    /// A symbolic link.
    Link {
        /// The target, exactly as the link holds it.
        target: String,
    },
    /// Something that no publisher creates: a directory, a device, a socket.
    Other,
}

impl Entry {
    /// The size in bytes of an object. `None` for anything else.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Object { size, .. } => Some(*size),
            Self::Link { .. } | Self::Other => None,
        }
    }

    /// The time of the last write of an object. `None` for anything else.
    pub fn modified(&self) -> Option<SystemTime> {
        match self {
            Self::Object { modified, .. } => Some(*modified),
            Self::Link { .. } | Self::Other => None,
        }
    }
}

/// The part of a target that [`Store::list`](crate::Store::list) lists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListScope {
    /// The root of the target, without its directories.
    Root,
    /// Everything below this path, at any depth.
    Below(ReleasePath),
}

/// One result of [`Store::list`](crate::Store::list).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Listed {
    /// The path below the root of the target. It is a text because other programs may use names
    /// that are not valid in a [`ReleasePath`].
    pub path: String,
    /// The thing at the path.
    pub entry: Entry,
}

/// A store's name for the current state of an object, such as an `ETag` or a digest. Versions can
/// only be compared for equality.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// A version with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The bytes and the version of a small object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Document {
    /// The bytes.
    pub bytes: Bytes,
    /// The version of the bytes.
    pub version: Version,
}

/// The result of a [`Store::swap`](crate::Store::swap).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores make it, and a swap happens or does not")]
pub enum Swap {
    /// The new bytes are in place.
    Done,
    /// The object has another version than expected. Nothing was changed.
    Conflict,
}
