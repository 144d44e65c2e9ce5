//! The published files, as machines, caches and people fetch them from the real service.

use netboot_core::{ReleaseId, Sha256Digest, layout};
use reqwest::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use reqwest::{Method, Response, StatusCode};

use crate::service::{Place, SITES, Service};
use crate::small_release;

/// A service with a release, and the bytes and path of the release's kernel.
struct Site {
    place: Place,
    service: Service,
    release: ReleaseId,
    kernel: Vec<u8>,
    blob: String,
}

impl Site {
    async fn new() -> Self {
        let place = Place::new("published");
        let kernel: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let image = small_release::image("worker", &kernel);
        let publisher = place.publisher(SITES[0]);
        let renderer = small_release::renderer();
        let release = small_release::publish_images(&publisher, renderer, [image]).await;
        let blob = format!("/published/{}", layout::blob(&Sha256Digest::of(&kernel)));
        Self { service: place.start(), place, release, kernel, blob }
    }

    async fn get(&self, path: &str, headers: &[(reqwest::header::HeaderName, &str)]) -> Response {
        let request = self.service.get(path);
        let request = headers.iter().fold(request, |r, (name, value)| r.header(name, *value));
        request.send().await.unwrap()
    }
}

fn header(response: &Response, name: &reqwest::header::HeaderName) -> String {
    let value = response.headers().get(name);
    value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn files_are_served_whole_with_the_headers_that_buckets_have() {
    let site = Site::new().await;
    let response = site.get(&site.blob, &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, &CONTENT_LENGTH), site.kernel.len().to_string());
    assert_eq!(header(&response, &CONTENT_TYPE), "application/octet-stream");
    assert_eq!(header(&response, &ACCEPT_RANGES), "bytes");
    assert!(header(&response, &CACHE_CONTROL).contains("immutable"));
    assert!(response.bytes().await.unwrap() == site.kernel);

    for (path, cached) in [
        ("current.ipxe".to_owned(), "no-cache"),
        ("worker/netboot.ipxe".to_owned(), "no-cache"),
        (format!("releases/{}/worker/netboot.ipxe", site.release), "immutable"),
    ] {
        let response = site.get(&format!("/published/{path}"), &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(header(&response, &CACHE_CONTROL).contains(cached), "{path}");
        assert_eq!(header(&response, &CONTENT_TYPE), "text/plain; charset=utf-8");
        assert!(response.text().await.unwrap().starts_with("#!ipxe\n"));
    }

    let head = site.service.client.head(format!("{}{}", site.service.url, site.blob));
    let head = head.send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(header(&head, &CONTENT_LENGTH), site.kernel.len().to_string());
    assert!(header(&head, &ETAG).starts_with('"'));
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_range_is_served_and_several_at_once_get_the_whole() {
    let site = Site::new().await;
    let total = site.kernel.len();
    for (range, first, end) in [
        ("bytes=0-99".to_owned(), 0, 100),
        ("bytes=399000-".to_owned(), 399_000, total),
        ("bytes=-10".to_owned(), total - 10, total),
        (format!("bytes={}-{}", total - 1, total + 10), total - 1, total),
    ] {
        let response = site.get(&site.blob, &[(RANGE, &range)]).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        let expected = format!("bytes {first}-{}/{total}", end - 1);
        assert_eq!(header(&response, &CONTENT_RANGE), expected);
        assert!(response.bytes().await.unwrap() == site.kernel[first..end], "{range}");
    }
    let outside = site.get(&site.blob, &[(RANGE, "bytes=400000-")]).await;
    assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&outside, &CONTENT_RANGE), format!("bytes */{total}"));

    let several = site.get(&site.blob, &[(RANGE, "bytes=0-1, 10-11")]).await;
    assert_eq!(several.status(), StatusCode::OK);
    assert_eq!(several.bytes().await.unwrap().len(), total);
}

#[tokio::test]
async fn a_client_that_has_the_file_already_does_not_get_it_again() {
    let site = Site::new().await;
    let response = site.get("/published/current.ipxe", &[]).await;
    let (tag, date) = (header(&response, &ETAG), header(&response, &LAST_MODIFIED));
    for (name, value, status) in [
        (IF_NONE_MATCH, tag.as_str(), StatusCode::NOT_MODIFIED),
        (IF_NONE_MATCH, &format!("\"other\", W/{tag}"), StatusCode::NOT_MODIFIED),
        (IF_NONE_MATCH, "*", StatusCode::NOT_MODIFIED),
        (IF_NONE_MATCH, "\"other\"", StatusCode::OK),
        (IF_MATCH, tag.as_str(), StatusCode::OK),
        (IF_MATCH, "\"other\"", StatusCode::PRECONDITION_FAILED),
        (IF_MODIFIED_SINCE, date.as_str(), StatusCode::NOT_MODIFIED),
        (IF_MODIFIED_SINCE, "Thu, 01 Jan 1970 00:00:01 GMT", StatusCode::OK),
    ] {
        let response = site.get("/published/current.ipxe", &[(name.clone(), value)]).await;
        assert_eq!(response.status(), status, "{name}: {value}");
        if status == StatusCode::NOT_MODIFIED {
            assert_eq!(header(&response, &ETAG), tag);
            assert_eq!(header(&response, &CACHE_CONTROL), "no-cache");
        }
    }

    // Another release changes the pointer.
    let publisher = site.place.publisher(SITES[0]);
    small_release::publish(&publisher, small_release::renderer(), &["worker", "gateway"]).await;
    let response = site.get("/published/current.ipxe", &[(IF_NONE_MATCH, &tag)]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_ne!(header(&response, &ETAG), tag);
}

#[tokio::test]
async fn a_download_goes_on_only_if_the_file_is_the_same() {
    let site = Site::new().await;
    let response = site.get(&site.blob, &[]).await;
    let (tag, date) = (header(&response, &ETAG), header(&response, &LAST_MODIFIED));
    for (condition, status) in [
        (tag.as_str(), StatusCode::PARTIAL_CONTENT),
        (&date, StatusCode::PARTIAL_CONTENT),
        (&format!("W/{tag}"), StatusCode::OK),
        ("\"other\"", StatusCode::OK),
        ("Thu, 01 Jan 1970 00:00:01 GMT", StatusCode::OK),
        ("nonsense", StatusCode::OK),
    ] {
        let headers = [(RANGE, "bytes=100-199"), (IF_RANGE, condition)];
        let response = site.get(&site.blob, &headers).await;
        assert_eq!(response.status(), status, "{condition}");
        let expected = if status == StatusCode::OK { site.kernel.len() } else { 100 };
        assert_eq!(response.bytes().await.unwrap().len(), expected);
    }
}

#[tokio::test]
async fn nothing_else_is_served() {
    let site = Site::new().await;
    std::fs::write(site.place.path(SITES[0]).join(".hidden"), "secret").unwrap();
    for path in [
        "/published/",
        "/published/blobs",
        "/published/blobs/",
        "/published/.hidden",
        "/published/nothing.ipxe",
        "/published/..%2fnetboot.toml",
        "/published/%2e%2e/netboot.toml",
        "/published//etc/passwd",
        "/published/a%00b",
    ] {
        let response = site.get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        let response = site.service.change(method, &site.blob).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
