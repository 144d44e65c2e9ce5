//! The URLs of a bucket.

use url::{Host, Url};

use crate::error::Error;

/// The URL that all keys of a bucket start with. Without `endpoint`, it is Amazon's for the region.
pub(super) fn bucket_url(
    bucket: &str,
    endpoint: Option<&str>,
    region: &str,
    path_style: Option<bool>,
    allow_http: bool,
) -> Result<Url, Error> {
    let path_style = path_style.unwrap_or(endpoint.is_some());
    let amazon = format!("https://s3.{region}.amazonaws.com");
    let mut url = web_url("endpoint", endpoint.unwrap_or(&amazon))?;
    if url.scheme() == "http" && !allow_http {
        let problem = "it uses no TLS, which `allow_http` must allow";
        return Err(invalid("endpoint", problem.to_owned()));
    }
    if path_style {
        return Ok(url_below(&url, bucket));
    }
    let Some(Host::Domain(host)) = url.host() else {
        let problem = "an IP address cannot include the bucket: use path style";
        return Err(invalid("endpoint", problem.to_owned()));
    };
    let host = format!("{bucket}.{host}");
    let refused = |error: url::ParseError| invalid("endpoint", error.to_string());
    url.set_host(Some(&host)).map_err(refused)?;
    Ok(url)
}

/// The part of a URL, valid or not, that may be shown: without user, password and query.
pub(super) fn without_secrets(text: &str) -> &str {
    let behind_password = text.rsplit('@').next().unwrap_or_default();
    behind_password.split('?').next().unwrap_or_default()
}

/// Parses a URL to which a path can be added.
pub(super) fn web_url(setting: &'static str, text: &str) -> Result<Url, Error> {
    let shown = without_secrets(text);
    let url = Url::parse(text).map_err(|error| invalid(setting, format!("`{shown}`: {error}")))?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !["http", "https"].contains(&url.scheme()) || !is_plain || url.query().is_some() {
        let problem = "expected a URL with `http` or `https`, a host, and optionally a port";
        return Err(invalid(setting, problem.to_owned()));
    }
    Ok(url)
}

pub(super) fn invalid(setting: &'static str, problem: String) -> Error {
    Error::InvalidSetting { setting, problem }
}

/// The URL of `key` below `base`, which may end with a `/`.
pub(super) fn url_below(base: &Url, key: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{key}", base.path().trim_end_matches('/')));
    url
}
