//! The problems of an export, with hints.

use std::fmt;

/// The reason why a fleet cannot be exported to another network boot server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterchangeProblem {
    /// Unknown machines should get something that the server cannot do.
    Unknown {
        /// The thing that they should get, as a noun.
        wanted: &'static str,
    },
    /// A machine has a key that the server does not get.
    Key {
        /// The key.
        key: String,
    },
    /// For a machine that several selectors match, the server chooses another assignment.
    Order {
        /// The assignment that the server would choose.
        other: String,
    },
    /// A machine boots its image only while a token exists.
    BootOnce,
    /// The initrd of a machine is not a blob of the release.
    OverlayNotPublished,
    /// The payloads are in a place that only another server has.
    PayloadsOf {
        /// The other server.
        owner: &'static str,
    },
    /// The payloads are at a URL from which nobody fetches them.
    Scheme {
        /// The scheme of the URL.
        scheme: String,
    },
    /// An image has a closure, which machines cannot fetch from the place of the payloads.
    NoClosureSource,
    /// The server would read a kernel parameter as a template.
    Template {
        /// The parameter.
        parameter: String,
    },
}

impl fmt::Display for InterchangeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { wanted } => write!(f, "it has no {wanted} for unknown machines"),
            Self::Key { key } => write!(f, "it does not get the {key} of a machine"),
            Self::Order { other } => {
                write!(f, "it would choose `{other}` for a machine that matches both")
            }
            Self::BootOnce => f.write_str("it does not support tokens"),
            Self::OverlayNotPublished => {
                f.write_str("the machine's own initrd is not in the release")
            }
            Self::PayloadsOf { owner } => {
                write!(f, "only {owner} has them in that place")
            }
            Self::Scheme { scheme } => {
                write!(
                    f,
                    "they come from `http://` and `https://` URLs, not from `{scheme}://` ones"
                )
            }
            Self::NoClosureSource => f.write_str(
                "machines fetch the closure of the image from an absolute `http://` URL, and the \
                 place of the payloads has none",
            ),
            Self::Template { parameter } => {
                write!(f, "it would expand the kernel parameter `{parameter}`")
            }
        }
    }
}

impl InterchangeProblem {
    /// Tells what to do about the problem.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => {
                "choose another policy for unknown machines: refuse them, which every server can \
                 do, or give them a profile with matchbox"
            }
            Self::Key { .. } => {
                "identify the machine by a key that the server gets: its MAC address; for matchbox \
                 also its UUID, serial number, hostname or domain, of letters, digits, `.`, `_`, \
                 `~` and `-`"
            }
            Self::Order { .. } => {
                "identify all machines by keys of the same kind, or give more keys to the machine that \
                 should win"
            }
            Self::BootOnce => {
                "export the machine without the token, and export the fleet again without the \
                 machine as soon as it is installed"
            }
            Self::OverlayNotPublished => {
                "render the release with this fleet, publish it, and export its manifest"
            }
            Self::PayloadsOf { .. } => "give the URL that serves the target (`PayloadBase::url`)",
            Self::Scheme { .. } => {
                "serve the target by HTTP or HTTPS, and give that URL as the place of the payloads"
            }
            Self::NoClosureSource => {
                "give the `http://` URL that serves the target as the place of the payloads, or name \
                 one with the kernel parameter `netboot.from=` in the configuration of the image"
            }
            Self::Template { .. } => "write the parameter without `{{`",
        }
    }
}
