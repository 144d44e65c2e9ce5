//! The files that stage 1 fetches.

use crate::console::template::template;
use crate::store_path::StorePath;

/// A file that stage 1 fetches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Item {
    /// The index of the closure.
    Index,
    /// The blob of a store path.
    Path {
        /// The store path.
        path: StorePath,
    },
}

template!(enum Item:
    Index: "the index";
    Path: "" path "";
);
