//! Answers that send a client elsewhere.
//!
//! A signature is for the name of one server. So a redirect of a request that writes becomes an
//! error that names the other server. A redirect of a request that reads is followed without the
//! signature, and becomes such an error if the other server does not answer.

use http::{HeaderMap, StatusCode, header};
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

/// Returns the URL of the place to which a client that asked for `asked` is sent.
pub(super) fn place(location: &str, asked: &Url) -> Option<Url> {
    let place = asked.join(location).ok()?;
    ["http", "https"].contains(&place.scheme()).then_some(place)
}

/// Returns true for the status of an answer about an object: it is there, it is not there, it has
/// not changed, or a condition or a range does not fit it.
pub(super) fn is_answer(status: StatusCode) -> bool {
    let answers = [
        StatusCode::NOT_MODIFIED,
        StatusCode::NOT_FOUND,
        StatusCode::PRECONDITION_FAILED,
        StatusCode::RANGE_NOT_SATISFIABLE,
    ];
    status.is_success() || answers.contains(&status)
}

/// The bucket that a client asks for.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) name: String,
    /// The region that the client's signatures are for.
    pub(super) region: String,
}

/// Makes an answer to `asked` an error with a code of its own, and with the endpoint and the region
/// that the client is sent to. The region is left out if the client has it.
pub(super) fn as_error(response: HttpResponse, asked: &Url, bucket: &Bucket) -> HttpResponse {
    let endpoint = location(&response).and_then(|place| endpoint_at(place, asked, &bucket.name));
    let region = endpoint.as_deref().and_then(region_of).or_else(|| region_in(response.headers()));
    let region = region.filter(|region| *region != bucket.region);
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

/// Returns the endpoint of the bucket at another place. `None` if the place is at this server, or
/// has neither the bucket's name nor the object's path: then the server has no S3 at its endpoint.
fn endpoint_at(location: &str, asked: &Url, bucket: &str) -> Option<String> {
    let mut place = place(location, asked)?;
    if place.origin() == asked.origin() {
        return None;
    }
    let host = place.host_str()?.to_owned();
    let before = place.path().strip_suffix(asked.path()).map(str::to_owned);
    // In the host name or in the path.
    let host = host.strip_prefix(&format!("{bucket}."));
    if host.is_none() && before.is_none() {
        return None;
    }
    if host.is_some() {
        place.set_host(host).ok()?;
    }
    let before = before.unwrap_or_default();
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
        let asked: Url = "http://s3.example.org/boot/current.ipxe".parse().unwrap();
        let virtual_host: Url = "http://boot.s3.example.org/current.ipxe".parse().unwrap();
        for (asked, place, endpoint) in [
            (&asked, "https://s3.example.org/boot/current.ipxe", Some("https://s3.example.org")),
            (&asked, "https://example.org/s3/boot/current.ipxe", Some("https://example.org/s3")),
            (&asked, "//[2001:db8::1]:9000/boot/current.ipxe", Some("http://[2001:db8::1]:9000")),
            (
                &virtual_host,
                "http://boot.s3-eu-west-1.example.org/current.ipxe",
                Some("http://s3-eu-west-1.example.org"),
            ),
            (&asked, "https://sso.example.org/login?next=/boot/current.ipxe", None),
            (&asked, "/login", None),
            (&asked, "ftp://example.org/boot/current.ipxe", None),
            (&asked, "http://[", None),
        ] {
            assert_eq!(endpoint_at(place, asked, "boot").as_deref(), endpoint, "{place}");
        }
    }
}
