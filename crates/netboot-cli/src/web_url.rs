//! The URLs of options, by which machines fetch.

use netboot_core::Report;
use url::Url;

/// Parses the URL of a web server, for options.
///
/// # Errors
/// If the text is not a URL with the scheme `http` or `https` and a host.
pub(crate) fn web_url(text: &str) -> Result<Url, Report> {
    let refused = |problem: &str| {
        Report::message(problem, "write a URL such as `http://boot.example.net/netboot`")
    };
    // `boot.example.net:8080/x` has no scheme either, although it parses as one.
    let Some((scheme, _)) = text.split_once("://") else {
        return Err(refused("it does not begin with `http://` or `https://`"));
    };
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(refused(&format!(
            "machines fetch by `http` and `https` only, and not by `{scheme}`"
        )));
    }
    Url::parse(text).map_err(|error| refused(&error.to_string()))
}
