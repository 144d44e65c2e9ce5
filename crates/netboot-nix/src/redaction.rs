//! Keeps secrets out of everything that is shown or stored: events, logs, errors, manifests.

use std::fmt;

/// What stands in the place of a secret.
const REPLACEMENT: &str = "***";

/// Query parameters of a flake reference that may be shown (Nix manual, "Flake references"); one
/// that is not known could be a token.
const SHOWN: [&str; 11] = [
    "allRefs",
    "dir",
    "host",
    "lastModified",
    "narHash",
    "ref",
    "rev",
    "revCount",
    "shallow",
    "submodules",
    "type",
];

/// The texts that must not be shown.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn add(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.0.push(secret.to_owned());
            // The longest first, so that none leaves a part of another.
            self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// Adds the credentials of a flake reference.
    pub(crate) fn add_reference(&mut self, reference: &str) {
        let parts = Parts::of(reference);
        for secret in parts.user_information.into_iter().chain(parts.hidden_values()) {
            self.add(secret);
        }
    }

    /// `text` with every secret replaced.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, REPLACEMENT))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// A reference without its credentials.
pub(crate) fn without_credentials(reference: &str) -> String {
    let mut secrets = Secrets::default();
    secrets.add_reference(reference);
    secrets.hide(reference)
}

/// The parts of a reference that can hold credentials.
struct Parts<'a> {
    /// What stands before the `@`, unless it is the plain user name of ssh.
    user_information: Option<&'a str>,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(reference: &'a str) -> Self {
        let (address, query) = reference.split_once('?').unwrap_or((reference, ""));
        let user_information = address.split_once("://").and_then(|(scheme, rest)| {
            let authority = rest.split('/').next().unwrap_or(rest);
            let (user, _) = authority.rsplit_once('@')?;
            let is_plain_user = scheme.ends_with("ssh") && !user.contains(':');
            (!is_plain_user).then_some(user)
        });
        Self { user_information, query }
    }

    fn hidden_values(&self) -> impl Iterator<Item = &'a str> {
        let parameters = self.query.split('&').filter_map(|parameter| parameter.split_once('='));
        parameters.filter(|(name, _)| !SHOWN.contains(name)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_and_the_rest_is_not() {
        for (reference, shown) in [
            ("git+https://bob:pw@host/x?rev=1", "git+https://***@host/x?rev=1"),
            ("https://token@host/x.tar.gz", "https://***@host/x.tar.gz"),
            ("git+ssh://git@host/x?ref=main&dir=a", "git+ssh://git@host/x?ref=main&dir=a"),
            ("git+ssh://git:pw@host/x", "git+ssh://***@host/x"),
            ("git+https://h/x?access_token=abc&ref=m", "git+https://h/x?access_token=***&ref=m"),
            ("path:/x/y?narHash=sha256-a", "path:/x/y?narHash=sha256-a"),
            ("github:owner/name", "github:owner/name"),
        ] {
            assert_eq!(without_credentials(reference), shown);
        }
    }

    #[test]
    fn no_secret_leaves_a_part_of_a_longer_one() {
        let mut secrets = Secrets::default();
        secrets.add("abc");
        secrets.add("abcdef");
        assert_eq!(secrets.hide("x abcdef abc"), "x *** ***");
    }
}
