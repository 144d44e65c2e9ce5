//! The pages of a server's listings.

use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use super::client::Client;
use super::error::request_error;
use super::page::{
    ListedObject, ListingError, Markers, Page, PageStart, UnfinishedUpload, parse_uploads,
};
use crate::error::Error;

/// The number of keys in a page: the maximum of S3.
const PAGE: &str = "1000";

/// The most entries of a listing. A target of 1,000 releases has about 100,000 blobs.
const ENTRIES: usize = 1_000_000;

/// The most pages in a row without an entry.
const EMPTY_PAGES: usize = 100;

/// The number of entries that may still follow in a listing, over all of its spans.
#[derive(Debug)]
pub(super) struct Limits(AtomicUsize);

impl Default for Limits {
    fn default() -> Self {
        Self(AtomicUsize::new(ENTRIES))
    }
}

/// The pages of a listing so far, to find a listing that never ends.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    limits: &'a Limits,
    empty: usize,
    /// The places where a page began.
    begins: HashSet<String>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, empty: 0, begins: HashSet::new() }
    }

    /// Counts a page with this number of entries, before the page that begins at `next`.
    pub(super) fn count(&mut self, entries: usize, next: &str) -> Result<(), ListingError> {
        let take = |left: usize| left.checked_sub(entries);
        let is_full = self.limits.0.fetch_update(Relaxed, Relaxed, take).is_err();
        self.empty = if entries == 0 { self.empty + 1 } else { 0 };
        if !self.begins.insert(next.to_owned()) {
            return Err(ListingError::SamePage);
        }
        if is_full || self.empty > EMPTY_PAGES {
            return Err(ListingError::Endless);
        }
        Ok(())
    }
}

impl Client {
    /// Gets a page of the objects with keys that start with `prefix`. With `shallow`, only keys
    /// without a `/` after the prefix.
    pub(super) async fn page(
        &self,
        prefix: &str,
        shallow: bool,
        from: PageStart<'_>,
    ) -> Result<Page, Error> {
        let mut query = vec![
            ("list-type", "2"),
            ("max-keys", PAGE),
            ("encoding-type", "url"),
            ("prefix", prefix),
        ];
        if shallow {
            query.push(("delimiter", "/"));
        }
        match from {
            PageStart::Beginning => {}
            PageStart::Token(token) => query.push(("continuation-token", token)),
            PageStart::Behind(key) => query.push(("start-after", key)),
        }
        let answer = self.get_bucket(&query).await?;
        Page::parse(&answer, from).map_err(|source| self.listing_error(source))
    }

    /// Gets all objects with keys that start with `prefix`.
    pub(super) async fn objects(
        &self,
        prefix: &str,
        shallow: bool,
    ) -> Result<Vec<ListedObject>, Error> {
        let mut objects = Vec::new();
        let mut token: Option<String> = None;
        let limits = Limits::default();
        let mut pages = Pages::new(&limits);
        loop {
            let from = token.as_deref().map_or(PageStart::Beginning, PageStart::Token);
            let page = self.page(prefix, shallow, from).await?;
            pages
                .count(page.objects.len(), page.next.as_deref().unwrap_or_default())
                .map_err(|source| self.listing_error(source))?;
            objects.extend(page.objects);
            match page.next {
                Some(next) => token = Some(next),
                None => return Ok(objects),
            }
        }
    }

    /// Gets the multipart uploads to keys that start with `prefix`.
    pub(super) async fn unfinished_uploads(
        &self,
        prefix: &str,
    ) -> Result<Vec<UnfinishedUpload>, Error> {
        let mut uploads = Vec::new();
        let mut markers: Option<Markers> = None;
        let limits = Limits::default();
        let mut pages = Pages::new(&limits);
        loop {
            let mut query = vec![("uploads", ""), ("max-uploads", PAGE), ("prefix", prefix)];
            if let Some((key, id)) = &markers {
                query.extend([("key-marker", key.as_str()), ("upload-id-marker", id.as_str())]);
            }
            let answer = self.get_bucket(&query).await?;
            let (page, next) = parse_uploads(&answer, markers.as_ref())
                .map_err(|source| self.listing_error(source))?;
            let count = page.len();
            uploads.extend(page);
            let Some((key, id)) = &next else { return Ok(uploads) };
            pages
                .count(count, &format!("{key}\n{id}"))
                .map_err(|source| self.listing_error(source))?;
            markers = next;
        }
    }

    pub(super) fn listing_error(&self, source: ListingError) -> Error {
        request_error("list", self.settings.bucket_url.to_string(), source)
    }
}
