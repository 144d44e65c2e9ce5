//! Warnings of Nix that an operator should know.

use std::fmt;

use crate::classify::text::{in_one_line, quoted_after};

/// The number of characters of a warning that are reported.
const LENGTH: usize = 1000;

/// Warnings about the arguments that Netboot gives to Nix. An operator can do nothing about them.
const OF_NETBOOT: [&str; 3] = [
    "'--json' without '--json-format' is deprecated",
    "'show-derivation' is a deprecated alias for",
    // Nix prints this for a build in another store, whose results Netboot fetches.
    "you did not specify '--add-root'",
];

/// A warning of Nix or of the flake's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Warning {
    /// Nix does not know a setting.
    UnknownSetting { setting: String },
    /// The flake has a setting in its `nixConfig`, from which Netboot takes none.
    FlakeSetting { setting: String },
    /// The daemon ignores a setting of a user that it does not trust.
    UntrustedSetting { setting: String },
    /// The daemon ignores a substituter of a user that it does not trust.
    UntrustedSubstituter { url: String },
    /// A substituter has a path without a signature by a trusted key.
    Unsigned { path: String, substituter: String },
    /// A substituter does not answer, so Nix builds its paths itself.
    CacheUnreachable { message: String },
    /// Another warning. NixOS's `warnings`, deprecated options and the flake's own are here.
    Other { message: String },
}

impl Warning {
    /// Reads a warning. Returns `None` for one that is not for an operator.
    pub(crate) fn read(message: &str) -> Option<Self> {
        if OF_NETBOOT.iter().any(|text| message.contains(text)) {
            return None;
        }
        let quoted = |before: &str| quoted_after(message, before).unwrap_or_default().to_owned();
        Some(if message.starts_with("unknown setting '") {
            Self::UnknownSetting { setting: quoted("unknown setting") }
        } else if message.contains("ignoring untrusted flake configuration setting") {
            Self::FlakeSetting { setting: quoted("flake configuration setting") }
        } else if message.contains("ignoring the client-specified setting") {
            Self::UntrustedSetting { setting: quoted("client-specified setting") }
        } else if message.contains("ignoring untrusted substituter") {
            Self::UntrustedSubstituter { url: quoted("untrusted substituter") }
        } else if message.contains("not signed by any of the keys")
            || message.contains("does not have a valid signature")
        {
            Self::Unsigned { path: quoted("substitute for"), substituter: quoted("' from") }
        } else if message.contains("unable to download '")
            || message.contains("disabling binary cache")
        {
            // Nix repeats this before each attempt.
            let message = in_one_line(message);
            let text = message.split_once("; retrying in").map_or(&*message, |(text, _)| text);
            let message = text.strip_prefix("error: ").unwrap_or(text).to_owned();
            Self::CacheUnreachable { message }
        } else {
            Self::Other { message: message.trim().chars().take(LENGTH).collect() }
        })
    }

    /// Returns true if the cause is in the machine or in the flake as a whole, and not in the
    /// configuration of one profile.
    pub(crate) fn is_of_all_profiles(&self) -> bool {
        !matches!(self, Self::Unsigned { .. } | Self::Other { .. })
    }

    /// A remedy for the warning, if it is known.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownSetting { setting } => format!(
                "correct the name `{setting}` in nix.conf or in NIX_CONFIG, or remove the setting; \
                 another version of Nix may know it"
            ),
            Self::FlakeSetting { setting }
                if setting.ends_with("substituters") || setting.ends_with("public-keys") =>
            {
                "if you trust the flake, give the caches in its `nixConfig` and their keys to \
                 `with_substituter` of `ScaleOut`, or set them in nix.conf; Nix goes on to warn"
                    .to_owned()
            }
            Self::FlakeSetting { setting } => format!(
                "if you trust the flake, set `{setting}` in nix.conf, or in NIX_CONFIG in the \
                 builder's environment; Nix goes on to warn"
            ),
            Self::UntrustedSetting { setting } => format!(
                "set `{setting}` in nix.conf of the daemon, or add this user to `trusted-users` \
                 there"
            ),
            Self::UntrustedSubstituter { .. } => {
                "add it to `trusted-substituters` in nix.conf of the daemon, or add this user to \
                 `trusted-users` there"
                    .to_owned()
            }
            Self::Unsigned { .. } => {
                "add the key of the substituter to `trusted-public-keys` in nix.conf; until then, \
                 this machine builds the path"
                    .to_owned()
            }
            Self::CacheUnreachable { .. } => {
                "check its address, or remove it from `substituters` in nix.conf; until then, this \
                 machine builds its paths, which takes longer"
                    .to_owned()
            }
            Self::Other { .. } => return None,
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSetting { setting } => {
                write!(f, "this Nix does not know the setting `{setting}` and ignores it")
            }
            Self::FlakeSetting { setting } => {
                write!(f, "`{setting}` in the `nixConfig` of the flake or an input is ignored")
            }
            Self::UntrustedSetting { setting } => {
                write!(f, "the Nix daemon does not trust this user and ignores `{setting}`")
            }
            Self::UntrustedSubstituter { url } => {
                write!(
                    f,
                    "the Nix daemon does not trust this user and ignores the substituter {url}"
                )
            }
            Self::Unsigned { path, substituter } => {
                write!(f, "`{path}` in {substituter} has no signature that this Nix trusts")
            }
            Self::CacheUnreachable { message } => {
                write!(f, "a substituter does not answer: {message}")
            }
            Self::Other { message } => f.write_str(message),
        }
    }
}
