//! The URLs of a bucket.

use url::{Host, Url};

use crate::error::Error;

/// The URL that the keys of a bucket begin with. `endpoint` is Amazon's own for the region if it
/// is not given.
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
        let problem = "it has no TLS, and that is not allowed unless it is asked for";
        return Err(invalid("endpoint", problem.to_owned()));
    }
    if path_style {
        return Ok(below(&url, bucket));
    }
    let Some(Host::Domain(host)) = url.host() else {
        let problem = "an address has no place for the bucket: use path style";
        return Err(invalid("endpoint", problem.to_owned()));
    };
    let host = format!("{bucket}.{host}");
    let refused = |error: url::ParseError| invalid("endpoint", error.to_string());
    url.set_host(Some(&host)).map_err(refused)?;
    Ok(url)
}

/// What of a text that is to be a URL may be shown: no name or password, and no query.
pub(super) fn shown(text: &str) -> &str {
    let behind_password = text.rsplit('@').next().unwrap_or_default();
    behind_password.split('?').next().unwrap_or_default()
}

/// A URL that a path can be added to.
pub(super) fn web_url(setting: &'static str, text: &str) -> Result<Url, Error> {
    let shown = shown(text);
    let url = Url::parse(text).map_err(|error| invalid(setting, format!("`{shown}`: {error}")))?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !["http", "https"].contains(&url.scheme()) || !is_plain || url.query().is_some() {
        let problem = "a URL with `http` or `https`, a host and perhaps a port is expected";
        return Err(invalid(setting, problem.to_owned()));
    }
    Ok(url)
}

pub(super) fn invalid(setting: &'static str, problem: String) -> Error {
    Error::InvalidSetting { setting, problem }
}

/// The URL of `key` below a base that may or may not end with a `/`.
pub(super) fn below(base: &Url, key: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{key}", base.path().trim_end_matches('/')));
    url
}
