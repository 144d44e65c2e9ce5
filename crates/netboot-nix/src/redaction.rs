//! Removes secrets from everything that is shown or stored: events, logs, errors and manifests.

use std::fmt;

/// The minimum length in bytes of a credential that is searched in the output of programs.
const SHORTEST: usize = 6;

/// The replacement for a secret.
const REPLACEMENT: &str = "***";

/// Query parameters of a flake reference that may be shown (Nix manual, "Flake references"). An
/// unknown parameter could be a token.
const SHOWN: [&str; 16] = [
    "allRefs",
    "dir",
    "exportIgnore",
    "host",
    "lastModified",
    "lfs",
    "name",
    "narHash",
    "ref",
    "rev",
    "revCount",
    "shallow",
    "submodules",
    "type",
    "unpack",
    "verifyCommit",
];

/// Texts that must not be shown.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn add(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.0.push(secret.to_owned());
            // The longest first, so that no secret leaves a part of a longer one.
            self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// Adds the credentials of a flake reference. Very short texts, such as the `1` of `lfs=1`, are
    /// no credentials and would match everywhere, so they are left out.
    pub(crate) fn add_reference(&mut self, reference: &str) {
        let parts = Parts::of(reference);
        let user = parts.user_information;
        let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
        let values = parts.hidden_parameters().map(|(_, value)| value);
        for secret in user.into_iter().chain(password).chain(values) {
            if secret.len() >= SHORTEST {
                self.add(secret);
            }
        }
    }

    /// Returns `text` with every secret replaced.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, REPLACEMENT))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Returns a reference without its credentials.
pub(crate) fn without_credentials(reference: &str) -> String {
    let Parts { scheme, user_information, rest } = Parts::of(reference);
    let user = user_information.map(|_| format!("{REPLACEMENT}@")).unwrap_or_default();
    let Some((address, query)) = rest.split_once('?') else {
        return format!("{scheme}{user}{rest}");
    };
    let shown = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if !SHOWN.contains(&name) => format!("{name}={REPLACEMENT}"),
        _ => parameter.to_owned(),
    });
    format!("{scheme}{user}{address}?{}", shown.collect::<Vec<_>>().join("&"))
}

/// The parts of a reference that may contain credentials, and the rest.
struct Parts<'a> {
    /// The scheme with `://`.
    scheme: &'a str,
    /// The text before the `@`, unless it is a plain user name of ssh.
    user_information: Option<&'a str>,
    /// Everything from the host on, including the query.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(reference: &'a str) -> Self {
        let begin = reference.find("://").map_or(0, |colon| colon + "://".len());
        let (scheme, rest) = reference.split_at(begin);
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        let user = authority.rsplit_once('@').map(|(user, _)| user).filter(|user| {
            let is_plain_user = scheme.ends_with("ssh://") && !user.contains(':');
            !scheme.is_empty() && !is_plain_user
        });
        let rest = user.map_or(rest, |user| &rest[user.len() + 1..]);
        Self { scheme, user_information: user, rest }
    }

    fn hidden_parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let query = self.rest.split_once('?').map_or("", |(_, query)| query);
        let parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
        parameters.filter(|(name, _)| !SHOWN.contains(name))
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
            ("https://h/x@y/z", "https://h/x@y/z"),
            ("https://h?a@b=c&d", "https://h?a@b=***&d"),
            ("git+https://h/1?lfs=1&key=1", "git+https://h/1?lfs=1&key=***"),
            ("path:/x/y?narHash=sha256-a", "path:/x/y?narHash=sha256-a"),
            ("github:owner/name", "github:owner/name"),
        ] {
            assert_eq!(without_credentials(reference), shown);
        }
    }

    #[test]
    fn what_programs_print_is_searched_for_credentials_only() {
        let mut secrets = Secrets::default();
        secrets.add_reference("git+https://bob:hunter22@host/x?key=1&token=abcdefg");
        let printed = "cloning https://bob:hunter22@host with hunter22, abcdefg, 1 of 1";
        assert_eq!(secrets.hide(printed), "cloning https://***@host with ***, ***, 1 of 1");
    }

    #[test]
    fn no_secret_leaves_a_part_of_a_longer_one() {
        let mut secrets = Secrets::default();
        secrets.add("abc");
        secrets.add("abcdef");
        assert_eq!(secrets.hide("x abcdef abc"), "x *** ***");
    }
}
