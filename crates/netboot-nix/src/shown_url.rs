//! The URLs of sources, as manifests and documents may show them.
//!
//! Everybody can read a manifest. Two machines that build the same commit have to show the same
//! URL, or their documents differ, and so do the ids of their releases.

use crate::redaction::{Secrets, without_credentials};

/// The parameters that decide the content of a local source (Nix manual, "Flake references"). The
/// others tell about the checkout, such as `ref`, which names its branch, and `lastModified`.
const OF_CONTENT: [&str; 6] = ["dir", "exportIgnore", "lfs", "narHash", "rev", "submodules"];

/// The locked URL of a source, without credentials, secrets and times, and without the directory
/// and the branch of a local source. The hash of its content identifies a local source that has no
/// revision.
pub(crate) fn shown_url(url: &str, nar_hash: Option<&str>, secrets: &Secrets) -> String {
    let url = without_credentials(url);
    let shown = match local_scheme(&url) {
        Some(scheme) => of_local(scheme, &url, nar_hash),
        None => with_parameters(address(&url), |name| name != "lastModified", &url),
    };
    secrets.hide(&shown)
}

/// The parameters in the query of a URL.
pub(crate) fn parameters(url: &str) -> impl Iterator<Item = &str> {
    url.split_once('?').map_or("", |(_, query)| query).split('&').filter(|text| !text.is_empty())
}

/// A local source. The directory is told as `.`: whoever has a checkout of this content can use the
/// reference there.
fn of_local(scheme: &str, url: &str, nar_hash: Option<&str>) -> String {
    let shown = with_parameters(&format!("{scheme}:."), |name| OF_CONTENT.contains(&name), url);
    let is_identified = parameters(&shown).any(|one| ["rev", "narHash"].contains(&name_of(one)));
    match nar_hash {
        Some(hash) if !is_identified => {
            let separator = if shown.contains('?') { '&' } else { '?' };
            format!("{shown}{separator}narHash={hash}")
        }
        _ => shown,
    }
}

/// The scheme of a URL with an absolute path of this machine.
fn local_scheme(url: &str) -> Option<&str> {
    if url.starts_with('/') {
        return Some("path");
    }
    let (scheme, rest) = url.split_once(':')?;
    let is_local = scheme == "path" || scheme == "file" || scheme.ends_with("+file");
    (is_local && rest.starts_with('/')).then_some(scheme)
}

fn with_parameters(address: &str, is_shown: impl Fn(&str) -> bool, url: &str) -> String {
    let kept: Vec<&str> = parameters(url).filter(|one| is_shown(name_of(one))).collect();
    if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) }
}

fn name_of(parameter: &str) -> &str {
    parameter.split('=').next().unwrap_or(parameter)
}

fn address(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        shown_url(url, Some("sha256-s="), &Secrets::default())
    }

    #[test]
    fn a_local_source_is_told_by_its_content_alone() {
        for (url, expected) in [
            ("path:/home/alice/build-42?lastModified=1&narHash=s", "path:.?narHash=s"),
            ("path:/home/alice/build-42", "path:.?narHash=sha256-s="),
            ("/home/alice/build-42", "path:.?narHash=sha256-s="),
            ("git+file:///home/alice/infra?ref=main&rev=1&dir=a", "git+file:.?rev=1&dir=a"),
            ("git+file:///home/alice/infra?ref=x&rev=1&shallow=1", "git+file:.?rev=1"),
            ("git+file:/home/alice/infra?submodules=1&rev=1", "git+file:.?submodules=1&rev=1"),
            ("git+file:///home/alice/infra", "git+file:.?narHash=sha256-s="),
            ("hg+file:///home/alice/infra?ref=default&rev=1", "hg+file:.?rev=1"),
            ("tarball+file:///home/alice/x.tar.gz", "tarball+file:.?narHash=sha256-s="),
            ("file:///home/alice/x.tar.gz?a=b", "file:.?narHash=sha256-s="),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
        // A lock file may lack a hash.
        assert_eq!(shown_url("path:/home/alice/x", None, &Secrets::default()), "path:.");
    }

    #[test]
    fn a_source_elsewhere_is_told_as_it_is_but_for_its_clock() {
        for (url, expected) in [
            ("git+ssh://git@host/infra?ref=main&rev=1", "git+ssh://git@host/infra?ref=main&rev=1"),
            ("github:owner/name/1", "github:owner/name/1"),
            ("https://h/x.tar.gz?narHash=s&lastModified=1", "https://h/x.tar.gz?narHash=s"),
            ("https://h/x.tar.gz?lastModified=1", "https://h/x.tar.gz"),
            // A path within the flake is a part of its content.
            ("path:./sub", "path:./sub"),
            ("nixpkgs", "nixpkgs"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
    }

    #[test]
    fn secrets_and_credentials_are_hidden() {
        let mut secrets = Secrets::default();
        secrets.add("hunter22");
        for (url, expected) in [
            ("https://host/dl/hunter22/main.tar.gz", "https://host/dl/***/main.tar.gz"),
            ("https://bob:pw@host/x?rev=1", "https://***@host/x?rev=1"),
            ("path:/home/alice/x?dir=hunter22&rev=1", "path:.?dir=***&rev=1"),
        ] {
            assert_eq!(shown_url(url, None, &secrets), expected, "{url}");
        }
    }
}
