//! Lists the tags of a repository, page by page.
//!
//! A prune deletes what it sees no release for. So a list that is not complete is an error.

use std::collections::HashSet;

use reqwest::Method;
use reqwest::header::{HeaderMap, LINK};
use serde::Deserialize;
use url::Url;

use crate::error::Error;
use crate::oci::answer::{Answered, bounded};
use crate::oci::client::{Call, Client, is_missing, odd};
use crate::oci::error::{answered, transport};
use crate::oci::tag;

/// The largest page, in bytes: 200,000 tags of 128 characters.
const PAGE_LIMIT: u64 = 32 * 1024 * 1024;
/// The most tags. A target has a few for each release.
const MOST_TAGS: usize = 200_000;
/// The most pages.
const MOST_PAGES: usize = 10_000;

/// The answer of a registry that knows no such repository: the code of the specification, and the
/// one of Harbor.
const NO_REPOSITORY: [&str; 2] = ["NAME_UNKNOWN", "NOT_FOUND"];

#[derive(Deserialize)]
struct Page {
    /// `null` for a repository without tags.
    tags: Option<Vec<String>>,
}

/// Lists all tags of the repository. A repository that is not there has none.
pub(in crate::oci) async fn tags(client: &Client) -> Result<Vec<String>, Error> {
    let mut tags = Vec::new();
    let mut url = client.url("tags/list");
    let mut seen = HashSet::new();
    while seen.insert(url.clone()) && seen.len() <= MOST_PAGES {
        let call = Call::new("list", Method::GET, url);
        let response = client.call(&call, is_missing).await?;
        if is_missing(response.status()) {
            let answer = Answered::read(response).await;
            if seen.len() == 1 && NO_REPOSITORY.iter().any(|code| answer.has(code)) {
                return Ok(tags);
            }
            return Err(answered(call.action, &call.url, answer));
        }
        let next = next_page(&call.url, response.headers());
        let next = next.map_err(|problem| odd(&call, problem))?;
        let body = bounded(response, PAGE_LIMIT).await;
        let body = body.map_err(|error| transport(call.action, &call.url, error))?;
        let page = body.and_then(|body| serde_json::from_slice::<Page>(&body).ok());
        let Some(page) = page else { return Err(odd(&call, "it sent no list of tags")) };
        tags.extend(page.tags.unwrap_or_default().into_iter().filter(|tag| tag::is_valid(tag)));
        if tags.len() > MOST_TAGS {
            return Err(odd(&call, "its list has more tags than any target"));
        }
        match next {
            Some(next) => url = next,
            None => return Ok(tags),
        }
    }
    let call = Call::new("list", Method::GET, client.url("tags/list"));
    Err(odd(&call, "its list of tags has no end"))
}

/// The URL of the next page in the headers `Link: </v2/…>; rel="next"` (RFC 8288). `None` at the
/// end of the list.
///
/// A registry behind a proxy may name another scheme and port for itself than the ones that its
/// clients use. So the page is asked for where the list was.
fn next_page(url: &Url, headers: &HeaderMap) -> Result<Option<Url>, &'static str> {
    for value in headers.get_all(LINK) {
        let links = value.to_str().ok().and_then(links);
        let links = links.ok_or("it sent a header `Link` that cannot be read")?;
        let Some((target, _)) = links.iter().find(|(_, is_next)| *is_next) else { continue };
        let next = url.join(target).map_err(|_| "its next page of tags has no URL")?;
        if next.host() != url.host() {
            return Err("its next page of tags is at another host");
        }
        let mut there = url.clone();
        there.set_path(next.path());
        there.set_query(next.query());
        return Ok(Some(there));
    }
    Ok(None)
}

/// The links of a header, each with whether it leads to the next page. `None` if it is malformed.
fn links(mut text: &str) -> Option<Vec<(&str, bool)>> {
    let mut links = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ',']);
        if text.is_empty() {
            return Some(links);
        }
        let (target, rest) = text.strip_prefix('<')?.split_once('>')?;
        let end = end_of_parameters(rest)?;
        let is_next = rest[..end].split(';').any(|parameter| {
            parameter.split_once('=').is_some_and(|(name, value)| {
                let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
                name.trim().eq_ignore_ascii_case("rel")
                    && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
            })
        });
        links.push((target, is_next));
        text = &rest[end..];
    }
}

/// The place of the comma after the parameters of a link. `None` if a quote does not end.
fn end_of_parameters(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    (!is_quoted).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn next(link: &'static str) -> Result<Option<String>, &'static str> {
        let url = Url::parse("https://registry.example.org/v2/boot/tags/list").unwrap();
        let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(link))]);
        Ok(next_page(&url, &headers)?.map(|it| it.to_string()))
    }

    #[test]
    fn the_next_page_is_found() {
        let expected = "https://registry.example.org/v2/boot/tags/list?last=a&n=2";
        for link in [
            "</v2/boot/tags/list?last=a&n=2>; rel=\"next\"",
            "</v2/boot/tags/list?last=a&n=2>;rel=next",
            "<?last=a&n=2>; title=\"a, b\"; REL=\"start next\"",
            "</v2/boot/tags/list>; rel=\"prev\", </v2/boot/tags/list?last=a&n=2>; rel=\"next\"",
            // A proxy with TLS is in front of the registry.
            "<http://registry.example.org:5000/v2/boot/tags/list?last=a&n=2>; rel=\"next\"",
        ] {
            assert_eq!(next(link).unwrap().as_deref(), Some(expected), "{link}");
        }
    }

    #[test]
    fn the_last_page_has_no_next_one() {
        for link in ["", "</v2/boot/tags/list?last=a>; rel=\"prev\"", "</v2/>; title=\"next\""] {
            assert_eq!(next(link), Ok(None), "{link}");
        }
    }

    #[test]
    fn a_next_page_that_cannot_be_read_is_not_the_end() {
        for link in [
            "<https://other.example.org/v2/boot/tags/list?last=a>; rel=\"next\"",
            "/v2/boot/tags/list; rel=\"next\"",
            "</v2/boot/tags/list; rel=\"next\"",
            "</v2/boot/tags/list>; rel=\"next",
            "<https://>; rel=\"next\"",
        ] {
            assert!(next(link).is_err(), "{link}");
        }
    }
}
