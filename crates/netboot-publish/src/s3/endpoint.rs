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
    // Amazon's certificate covers one label, and a host name has no capital letter, `_` or `:`.
    let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let path_style = path_style.unwrap_or(endpoint.is_some() || !bucket.chars().all(is_label));
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    let amazon = format!("https://s3.{region}.amazonaws.com{china}");
    let mut url = web_url("endpoint", endpoint.unwrap_or(&amazon))?;
    if url.scheme() == "http" && !allow_http {
        let problem = "it uses no TLS, which `allow_http` must allow";
        return Err(invalid("endpoint", problem.to_owned()));
    }
    let of_bucket = format!("{bucket}.s3");
    let is_amazon = url.host_str().is_some_and(|host| host.contains(".amazonaws.com"));
    if is_amazon && url.host_str().is_some_and(|host| host.starts_with(&of_bucket)) {
        let problem = "it contains the bucket, which is a setting of its own: leave the bucket out";
        return Err(invalid("endpoint", problem.to_owned()));
    }
    if path_style {
        return Ok(url_below(&url, &bucket.replace(':', "%3A")));
    }
    if bucket.contains(':') {
        let problem = "a bucket of a tenant is no host name: use path style";
        return Err(invalid("endpoint", problem.to_owned()));
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

/// Returns the region that the host of an endpoint names, for providers that name it there. Their
/// servers refuse a signature for another region.
pub(super) fn region_of(endpoint: &str) -> Option<String> {
    let url = Url::parse(endpoint).ok()?;
    let host = url.host_str()?;
    if host.ends_with(".r2.cloudflarestorage.com") {
        return Some("auto".to_owned());
    }
    let before = REGIONS.iter().find_map(|provider| host.strip_suffix(provider))?;
    let label = before.rsplit('.').next()?;
    // `s3-eu-west-1` is an old form. `s3-accelerate` and `s3-external-1` name no region.
    let region = match label.strip_prefix("s3-") {
        Some(region) => Some(region).filter(|region| region.matches('-').count() > 1),
        None => Some(label).filter(|label| !["s3", "vpce"].contains(label)),
    };
    region.map(str::to_owned)
}

/// The ends of the host names of providers that name the region before it.
const REGIONS: [&str; 7] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".backblazeb2.com",
    ".scw.cloud",
    ".wasabisys.com",
    ".io.cloud.ovh.net",
    ".your-objectstorage.com",
];

/// Returns why a text is not the name of a bucket, with the way around. `tenant:bucket` is a bucket
/// of a tenant of Ceph.
pub(super) fn bucket_problem(bucket: &str) -> Option<&'static str> {
    let of_bucket = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if bucket.starts_with("arn:") {
        return Some("give the alias of the access point, which ends with `-s3alias`");
    }
    if bucket.ends_with("--x-s3") {
        return Some("machines cannot read a directory bucket: give a general purpose bucket");
    }
    if bucket.contains('/') {
        return Some("give the name alone: the endpoint and the prefix are settings of their own");
    }
    let (tenant, name) = bucket.split_once(':').unwrap_or(("tenant", bucket));
    let is_name = (3..=255).contains(&name.len()) && name.chars().all(of_bucket);
    let is_tenant = !tenant.is_empty() && tenant.len() <= 255 && tenant.chars().all(of_bucket);
    let is_relative = [tenant, name].iter().any(|part| part.chars().all(|c| c == '.'));
    (!is_name || !is_tenant || is_relative)
        .then_some("expected 3 to 255 letters, digits, `.`, `_` and `-`, or `tenant:bucket`")
}

/// The part of a URL, valid or not, that may be shown: without user, password and query.
pub(super) fn without_secrets(text: &str) -> &str {
    let behind_password = text.rsplit('@').next().unwrap_or_default();
    behind_password.split('?').next().unwrap_or_default()
}

/// Parses a URL to which a path can be added.
pub(super) fn web_url(setting: &'static str, text: &str) -> Result<Url, Error> {
    let shown = without_secrets(text);
    if !text.contains("://") {
        let problem = format!("`{shown}` has no scheme: write `https://{shown}`");
        return Err(invalid(setting, problem));
    }
    let url = Url::parse(text).map_err(|error| invalid(setting, format!("`{shown}`: {error}")))?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !["http", "https"].contains(&url.scheme())
        || !is_plain
        || url.query().is_some()
        || url.fragment().is_some()
    {
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
