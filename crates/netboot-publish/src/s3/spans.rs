//! Lists a directory of digests in several spans of its keys side by side.
//!
//! A server gives 1,000 keys in a page, and names the next page only with the answer to the last. A
//! digest is as likely to begin with one digit as with another. So the first page tells about how
//! many pages follow, and where each of several listings has to begin.

use futures::{StreamExt, TryStreamExt, stream};

use super::client::Client;
use super::page::{ListedObject, Page, PageStart};
use super::pages::{Limits, Pages};
use crate::error::Error;

/// The number of spans that are listed at once.
const SPANS: u64 = 16;

/// The number of values of the digits that spans are counted in.
const VALUES: u64 = 1 << 32;

/// A part of a listing: the keys after `begin`, up to and including `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    begin: String,
    /// `None` in the last span, which ends where the listing ends.
    end: Option<String>,
}

impl Client {
    /// Gets all objects with keys that start with `prefix`, of which most go on with a digest in
    /// hexadecimal digits.
    ///
    /// A server whose pages are not in the order of their keys, or do not begin where they are
    /// asked to begin, is asked for one page after another.
    pub(super) async fn objects_by_digest(&self, prefix: &str) -> Result<Vec<ListedObject>, Error> {
        let first = self.page(prefix, false, PageStart::Beginning).await?;
        let spans = spans(prefix, &first);
        if first.next.is_some() && spans.len() < 2 || !is_sorted(&first, "") {
            return self.objects(prefix, false).await;
        }
        let mut objects = first.objects;
        let limits = Limits::default();
        let listed: Vec<_> = spans.iter().map(|span| self.span(prefix, span, &limits)).collect();
        let mut listed = stream::iter(listed).buffer_unordered(spans.len().max(1));
        while let Some(part) = listed.try_next().await? {
            let Some(part) = part else {
                drop(listed);
                return self.objects(prefix, false).await;
            };
            objects.extend(part);
        }
        Ok(objects)
    }

    /// Gets the objects of a span. Returns `None` if the pages do not have the order of the keys.
    async fn span(
        &self,
        prefix: &str,
        span: &Span,
        limits: &Limits,
    ) -> Result<Option<Vec<ListedObject>>, Error> {
        let (mut objects, mut pages) = (Vec::new(), Pages::new(limits));
        let mut token: Option<String> = None;
        let mut last = span.begin.clone();
        loop {
            let from = token.as_deref().map_or(PageStart::Behind(&span.begin), PageStart::Token);
            let mut page = self.page(prefix, false, from).await?;
            if !is_sorted(&page, &last) {
                return Ok(None);
            }
            pages
                .count(page.objects.len(), page.next.as_deref().unwrap_or_default())
                .map_err(|source| self.listing_error(source))?;
            last = page.objects.last().map_or(last, |object| object.key.clone());
            let is_last = span.end.as_ref().is_some_and(|end| last > *end);
            if let Some(end) = &span.end {
                page.objects.retain(|object| object.key <= *end);
            }
            objects.append(&mut page.objects);
            match page.next {
                Some(next) if !is_last => token = Some(next),
                _ => return Ok(Some(objects)),
            }
        }
    }
}

/// Returns true if the keys of a page are all greater than `after`, and each is greater than the
/// one before it.
fn is_sorted(page: &Page, after: &str) -> bool {
    let keys = page.objects.iter().map(|object| object.key.as_str());
    std::iter::once(after).chain(keys).is_sorted_by(|a, b| a < b)
}

/// Returns the spans of the keys after the first page; none if the page is the last one, or if its
/// keys do not tell how many follow.
fn spans(prefix: &str, first: &Page) -> Vec<Span> {
    let Some(last) = first.objects.last().filter(|_| first.next.is_some()) else {
        return Vec::new();
    };
    let digits = last.key.strip_prefix(prefix).and_then(|key| key.get(..8));
    let digits = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let Some(passed) = digits.map(|digits| digits + 1).filter(|passed| *passed < VALUES) else {
        return Vec::new();
    };
    let left = VALUES - passed;
    let count = left.div_ceil(passed).min(SPANS);
    let bound = |number: u64| format!("{prefix}{:08x}", passed + left / count * number);
    let span = |number: u64| Span {
        begin: if number == 0 { last.key.clone() } else { bound(number) },
        end: (number + 1 < count).then(|| bound(number + 1)),
    };
    (0..count).map(span).collect()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn page(keys: &[&str], next: Option<&str>) -> Page {
        let object =
            |key: &&str| ListedObject { key: (*key).to_owned(), size: 1, modified: UNIX_EPOCH };
        Page { objects: keys.iter().map(object).collect(), next: next.map(str::to_owned) }
    }

    #[test]
    fn the_first_page_tells_the_spans() {
        let spans_of = |key: &str| spans("blobs/", &page(&["blobs/00", key], Some("more")));
        assert!(spans("blobs/", &page(&["blobs/3fffffff0"], None)).is_empty());
        for unknown in ["blobs/what is it", "blobs/", "blobs/ffffffff0", "other/3fffffff0"] {
            assert!(spans_of(unknown).is_empty(), "{unknown}");
        }
        let of_three = spans_of("blobs/3fffffff0");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(of_three.len(), 3);
        assert_eq!(of_three[0].begin, "blobs/3fffffff0");
        assert_eq!(of_three[0].end, text("blobs/80000000"));
        assert_eq!(of_three[1].begin, "blobs/80000000");
        assert_eq!((&*of_three[2].begin, &of_three[2].end), ("blobs/c0000000", &None));
        assert_eq!(spans_of("blobs/000000010").len(), 16);
    }

    #[test]
    fn pages_without_order_are_noticed() {
        assert!(is_sorted(&page(&["a", "b"], None), ""));
        assert!(!is_sorted(&page(&["a", "b"], None), "a"));
        assert!(!is_sorted(&page(&["b", "a"], None), ""));
        assert!(!is_sorted(&page(&["a", "a"], None), ""));
    }
}
