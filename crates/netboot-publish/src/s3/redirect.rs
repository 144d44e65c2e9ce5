//! Answers that send a client elsewhere.
//!
//! A client that followed them would leave its signature behind: the other server has another name,
//! and the signature is for the name. So they become errors that name the other server.

use http::{HeaderMap, StatusCode, Uri, header};
use object_store::client::HttpResponse;
use url::Url;

use super::endpoint::region_of;

/// The longest text that is taken from an answer.
const LIMIT: usize = 300;

/// Returns the place to which an answer sends the client.
pub(super) fn location(response: &HttpResponse) -> Option<&str> {
    let statuses = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    statuses.contains(&response.status()).then_some(location)
}

/// Makes an answer to `asked` an error with a code of its own, and with the endpoint and the region
/// that the client is sent to.
pub(super) fn as_error(response: HttpResponse, asked: &Uri, bucket: &str) -> HttpResponse {
    let endpoint = location(&response).and_then(|place| endpoint_at(place, asked, bucket));
    let region = endpoint.as_deref().and_then(region_of).or_else(|| region_in(response.headers()));
    let mut text = "<Code>Redirected</Code>".to_owned();
    for (name, value) in [("Region", region), ("Endpoint", endpoint)] {
        let is_sound = |value: &String| value.len() <= LIMIT && !value.contains(['<', '>']);
        if let Some(value) = value.filter(is_sound) {
            text.extend([&format!("<{name}>"), value.as_str(), &format!("</{name}>")]);
        }
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::BAD_REQUEST;
    HttpResponse::from_parts(parts, text.into())
}

/// Returns the endpoint of the bucket at another place. `None` if the place is at the same server:
/// then the server has no S3 at its endpoint.
fn endpoint_at(place: &str, asked: &Uri, bucket: &str) -> Option<String> {
    let asked = Url::parse(&asked.to_string()).ok()?;
    let mut place = asked.join(place).ok()?;
    if place.origin() == asked.origin() || !["http", "https"].contains(&place.scheme()) {
        return None;
    }
    let host = place.host_str()?.to_owned();
    // In the host name or in the path.
    if let Some(host) = host.strip_prefix(&format!("{bucket}.")) {
        place.set_host(Some(host)).ok()?;
    }
    let before = place.path().strip_suffix(asked.path()).unwrap_or_default();
    Some(place.origin().ascii_serialization() + before.trim_end_matches('/'))
}

/// Returns the region that Amazon's servers name with every answer.
fn region_in(headers: &HeaderMap) -> Option<String> {
    let region = headers.get("x-amz-bucket-region")?.to_str().ok()?;
    Some(region.to_owned()).filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_of_the_other_place_is_named() {
        let asked: Uri = "http://s3.example.org/boot/current.ipxe".parse().unwrap();
        let virtual_host: Uri = "http://boot.s3.example.org/current.ipxe".parse().unwrap();
        for (asked, place, endpoint) in [
            (&asked, "https://s3.example.org/boot/current.ipxe", Some("https://s3.example.org")),
            (&asked, "https://example.org/s3/boot/current.ipxe", Some("https://example.org/s3")),
            (&asked, "//[2001:db8::1]:9000/boot/current.ipxe", Some("http://[2001:db8::1]:9000")),
            (
                &virtual_host,
                "http://boot.s3-eu-west-1.example.org/current.ipxe",
                Some("http://s3-eu-west-1.example.org"),
            ),
            (&asked, "https://sso.example.org/login", Some("https://sso.example.org")),
            (&asked, "/login", None),
            (&asked, "ftp://example.org/boot/current.ipxe", None),
            (&asked, "http://[", None),
        ] {
            assert_eq!(endpoint_at(place, asked, "boot").as_deref(), endpoint, "{place}");
        }
    }
}
