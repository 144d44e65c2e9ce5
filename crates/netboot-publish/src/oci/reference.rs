//! The name of a repository in a registry.

use std::net::IpAddr;

use url::{Host, Url};

use crate::error::Error;

/// The longest name of a repository that registries must accept, in characters.
const NAME_LIMIT: usize = 255;

/// The setting that errors name.
const SETTING: &str = "OCI repository";

/// A registry and the name of a repository in it, such as `registry.example.org:5000/boot/nixos`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The host with its port, as the caller wrote it, in lower case.
    pub(super) registry: String,
    /// The name of the repository: parts of lower-case letters, digits, `.`, `_` and `-`.
    pub(super) name: String,
    /// True if the registry is this machine.
    pub(super) is_loopback: bool,
}

impl Reference {
    /// Reads `HOST[:PORT]/REPOSITORY`. The rule for the name is the one of the OCI distribution
    /// specification ("Pulling manifests").
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let refused = |problem: &str| {
            Err(Error::InvalidSetting { setting: SETTING, problem: problem.to_owned() })
        };
        let text = text.strip_prefix("oci://").unwrap_or(text).trim_end_matches('/');
        let Some((registry, name)) = text.split_once('/') else {
            return refused("it names no repository: write `HOST/REPOSITORY`");
        };
        if registry.contains('@') {
            return refused("it contains a user: credentials are a setting of their own");
        }
        let Ok(url) = Url::parse(&format!("https://{registry}/")) else {
            return refused("its first part is not the name of a host, with or without a port");
        };
        if name.contains('@') {
            return refused("it names a digest: releases have their own");
        }
        if name.contains(':') {
            return refused("it names a tag: netboot makes the tags");
        }
        if name.len() > NAME_LIMIT || !name.split('/').all(is_component) {
            return refused(
                "the name of a repository has parts of lower-case letters and digits, joined by \
                 `.`, `_`, `__` or `-`, and at most 255 characters",
            );
        }
        let is_loopback = match url.host() {
            Some(Host::Domain(domain)) => domain == "localhost",
            Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
            None => return refused("it names no host"),
        };
        let registry = registry.to_ascii_lowercase();
        Ok(Self { registry, name: name.to_owned(), is_loopback })
    }

    /// The URL that all requests for the repository start with. It ends with a `/`.
    pub(super) fn url(&self, scheme: &str) -> Result<Url, Error> {
        // The names of Docker's own registry differ from its host (`docker.io/library/…`).
        let host = match self.registry.as_str() {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            other => other,
        };
        Url::parse(&format!("{scheme}://{host}/v2/{}/", self.name))
            .map_err(|error| Error::InvalidSetting { setting: SETTING, problem: error.to_string() })
    }
}

/// True for a part of a name: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn is_component(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let joins: Vec<&str> = part.split(is_word).filter(|join| !join.is_empty()).collect();
    part.starts_with(is_word)
        && part.ends_with(is_word)
        && joins
            .iter()
            .all(|join| matches!(*join, "." | "_" | "__") || join.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_as_for_docker() {
        let read = Reference::parse("oci://Registry.example.org:5000/boot/nix-os_1").unwrap();
        assert_eq!(read.registry, "registry.example.org:5000");
        assert_eq!(
            read.url("https").unwrap().as_str(),
            "https://registry.example.org:5000/v2/boot/nix-os_1/"
        );
        assert!(!read.is_loopback);
        for local in ["127.0.0.1:5000/boot", "localhost/boot", "[::1]:5000/boot"] {
            assert!(Reference::parse(local).unwrap().is_loopback, "{local}");
        }
        let hub = Reference::parse("docker.io/someone/boot").unwrap();
        assert_eq!(hub.url("https").unwrap().host_str(), Some("registry-1.docker.io"));
    }

    #[test]
    fn what_names_no_repository_is_refused() {
        for text in [
            "",
            "registry.example.org",
            "registry.example.org/",
            "registry.example.org/Boot",
            "registry.example.org/boot:latest",
            "registry.example.org/boot@sha256:00",
            "registry.example.org/boot//nixos",
            "registry.example.org/-boot",
            "registry.example.org/boot..nixos",
            "registry.example.org/../boot",
            "user:secret@registry.example.org/boot",
            "registry example/boot",
            &format!("registry.example.org/{}", "a".repeat(256)),
        ] {
            let error = Reference::parse(text).unwrap_err();
            assert!(matches!(error, Error::InvalidSetting { .. }), "{text}: {error}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
