//! The conditions and the range of a request (RFC 9110, sections 13 and 14).

use std::ops::Range;

use http_range_header::{EndPosition, RangeUnsatisfiableError, StartPosition, parse_range_header};
use hyper::HeaderMap;
use hyper::header::{HeaderName, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};

use crate::tag::Tag;

/// The answer to a request for an object that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The whole object.
    Whole,
    /// A part of it.
    Part(Range<u64>),
    /// The client has it already.
    NotModified,
    /// The client wants another version.
    PreconditionFailed,
    /// No byte of the range exists.
    Unsatisfiable,
}

/// Decides about an object with this entity tag. HEAD knows no ranges (RFC 9110, 14.2).
///
/// Dates are not looked at: no answer has a `Last-Modified`, so a client has none to send.
pub(crate) fn decide(headers: &HeaderMap, is_head: bool, tag: &Tag, size: u64) -> Decision {
    if headers.contains_key(IF_MATCH) && !is_in(headers, IF_MATCH, |other| tag.is_same(other)) {
        return Decision::PreconditionFailed;
    }
    if is_in(headers, IF_NONE_MATCH, |other| tag.is_alike(other)) {
        return Decision::NotModified;
    }
    if is_head {
        return Decision::Whole;
    }
    match headers.get(IF_RANGE) {
        Some(of) if !of.to_str().is_ok_and(|of| tag.is_same(of.trim())) => Decision::Whole,
        _ => range(headers, size),
    }
}

/// Returns true if a list of entity tags has one that matches, or is `*`.
fn is_in(headers: &HeaderMap, name: HeaderName, matches: impl Fn(&str) -> bool) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| tag == "*" || matches(tag))
}

/// A server may answer a request for several ranges, and one that is malformed, with the whole
/// object (RFC 9110, 14.2).
fn range(headers: &HeaderMap, size: u64) -> Decision {
    let mut values = headers.get_all(RANGE).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Decision::Whole };
    let Ok(text) = value.to_str() else { return Decision::Whole };
    let ranges = match parse_range_header(text) {
        Ok(parsed) => parsed.ranges,
        Err(RangeUnsatisfiableError::ZeroSuffix) if !text.contains(',') => {
            return Decision::Unsatisfiable;
        }
        Err(_) => return Decision::Whole,
    };
    let [range] = &*ranges else { return Decision::Whole };
    let start = match range.start {
        StartPosition::Index(start) => start,
        // The last bytes of an empty object are all of it, and no `Content-Range` can name them.
        StartPosition::FromLast(_) if size == 0 => return Decision::Whole,
        StartPosition::FromLast(count) => size.saturating_sub(count),
    };
    let end = match range.end {
        EndPosition::Index(last) => last.saturating_add(1).min(size),
        EndPosition::LastByte => size,
    };
    if start < end { Decision::Part(start..end) } else { Decision::Unsatisfiable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(headers: &[(HeaderName, &'static str)], size: u64) -> Decision {
        decide(&map(headers), false, &tag(), size)
    }

    fn map(headers: &[(HeaderName, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn tag() -> Tag {
        Tag::strong("tag")
    }

    #[test]
    fn a_single_range_is_a_part() {
        for (text, size, expected) in [
            ("bytes=0-0", 10, Decision::Part(0..1)),
            ("bytes=3-5", 10, Decision::Part(3..6)),
            ("bytes=3-", 10, Decision::Part(3..10)),
            ("bytes=-4", 10, Decision::Part(6..10)),
            ("bytes=-20", 10, Decision::Part(0..10)),
            ("bytes=-10", 10, Decision::Part(0..10)),
            ("bytes=-0", 10, Decision::Unsatisfiable),
            ("bytes=-4", 0, Decision::Whole),
            ("bytes=0-18446744073709551615", 10, Decision::Part(0..10)),
            ("bytes=3-99999999999999", 10, Decision::Part(3..10)),
            ("bytes=10-", 10, Decision::Unsatisfiable),
            ("bytes=10-20", 10, Decision::Unsatisfiable),
            ("bytes=5-3", 10, Decision::Unsatisfiable),
            ("bytes=0-", 0, Decision::Unsatisfiable),
            ("bytes=0-1,3-4", 10, Decision::Whole),
            ("bytes=0-1,-0", 10, Decision::Whole),
            ("bytes=", 10, Decision::Whole),
            ("bytes=x-3", 10, Decision::Whole),
            ("lines=0-3", 10, Decision::Whole),
        ] {
            assert_eq!(decided(&[(RANGE, text)], size), expected, "{text}");
        }
        assert_eq!(decided(&[(RANGE, "bytes=0-1"), (RANGE, "bytes=2-3")], 10), Decision::Whole);
    }

    #[test]
    fn a_part_is_sent_only_of_the_version_that_the_client_has() {
        let part = Decision::Part(3..6);
        for (of, expected) in [
            ("\"tag\"", part),
            ("\"other\"", Decision::Whole),
            ("W/\"tag\"", Decision::Whole),
            ("Tue, 01 Sep 2026 10:00:00 GMT", Decision::Whole),
        ] {
            assert_eq!(decided(&[(RANGE, "bytes=3-5"), (IF_RANGE, of)], 10), expected, "{of}");
        }
    }

    #[test]
    fn an_object_with_a_weak_tag_has_no_parts_of_a_version() {
        let weak = Tag::weak("tag");
        for (name, of, expected) in [
            (IF_RANGE, "W/\"tag\"", Decision::Whole),
            (IF_RANGE, "\"tag\"", Decision::Whole),
            (IF_MATCH, "W/\"tag\"", Decision::PreconditionFailed),
            (IF_NONE_MATCH, "W/\"tag\"", Decision::NotModified),
        ] {
            let headers = map(&[(RANGE, "bytes=3-5"), (name.clone(), of)]);
            assert_eq!(decide(&headers, false, &weak, 10), expected, "{name}: {of}");
        }
    }

    #[test]
    fn the_head_of_an_object_is_that_of_the_whole() {
        let headers = map(&[(RANGE, "bytes=3-5")]);
        assert_eq!(decide(&headers, true, &tag(), 10), Decision::Whole);
        let headers = map(&[(RANGE, "bytes=3-5"), (IF_NONE_MATCH, "\"tag\"")]);
        assert_eq!(decide(&headers, true, &tag(), 10), Decision::NotModified);
    }

    #[test]
    fn conditions_come_before_the_range() {
        for (name, tags, expected) in [
            (IF_NONE_MATCH, "\"tag\"", Decision::NotModified),
            (IF_NONE_MATCH, "\"a\", W/\"tag\"", Decision::NotModified),
            (IF_NONE_MATCH, "*", Decision::NotModified),
            (IF_NONE_MATCH, "\"a\"", Decision::Part(3..6)),
            (IF_MATCH, "\"a\"", Decision::PreconditionFailed),
            (IF_MATCH, "W/\"tag\"", Decision::PreconditionFailed),
            (IF_MATCH, "\"a\", \"tag\"", Decision::Part(3..6)),
        ] {
            let headers = [(name.clone(), tags), (RANGE, "bytes=3-5")];
            assert_eq!(decided(&headers, 10), expected, "{name}: {tags}");
        }
    }
}
