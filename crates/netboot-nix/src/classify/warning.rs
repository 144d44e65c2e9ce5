//! Warnings of Nix that an operator should know.

use std::collections::BTreeSet;
use std::fmt;

use netboot_core::{Context, Event, ProfileName, counted};

use crate::classify::text::{in_one_line, quoted_after};
use crate::nix_output::NixOutput;

/// The number of different warnings of one run of Nix that are reported.
const REPORTED: usize = 50;

/// The number of characters of a warning that are reported.
const LENGTH: usize = 1000;

/// A warning of Nix or of the flake's code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Warning {
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
    /// Reads a warning.
    pub(crate) fn read(message: &str) -> Self {
        let quoted = |before: &str| quoted_after(message, before).unwrap_or_default().to_owned();
        if message.contains("ignoring the client-specified setting") {
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
        }
    }

    /// A remedy for the warning, if it is known.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
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

/// Reports each warning of Nix, once.
pub(crate) fn report_warnings(
    nix_output: &NixOutput,
    profile: Option<&ProfileName>,
    context: &Context,
) {
    let all: BTreeSet<Warning> =
        nix_output.warnings.iter().map(|message| Warning::read(message)).collect();
    let more = all.len().saturating_sub(REPORTED);
    let emit = |message, hint| {
        context.emit(Event::Warning { profile: profile.cloned(), message, hint });
    };
    for warning in all.into_iter().take(REPORTED) {
        emit(warning.to_string(), warning.hint());
    }
    if more > 0 {
        emit(format!("Nix printed {} more", counted(more, "warning")), None);
    }
}
