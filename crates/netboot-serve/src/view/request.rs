//! The part of a request that decides about its answer.

use hyper::HeaderMap;
use netboot_core::ReleasePath;
use percent_encoding::percent_decode_str;

use crate::conditions::{self, Decision};
use crate::tag::Tag;

/// A request for an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) path: &'a ReleasePath,
    pub(super) headers: &'a HeaderMap,
    pub(super) is_head: bool,
}

impl Wanted<'_> {
    pub(super) fn decide(&self, tag: &Tag, size: u64) -> Decision {
        conditions::decide(self.headers, self.is_head, tag, size)
    }
}

/// The path of an object in the path of a URL.
pub(super) fn path_of(path: &str) -> Option<ReleasePath> {
    let decoded = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
    ReleasePath::new(decoded).ok()
}
