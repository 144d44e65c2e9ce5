//! Why a fleet cannot be exported, and what to do about it.

use std::fmt;

/// Why a fleet cannot be told to another network boot server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterchangeProblem {
    /// Unknown machines are to get something that the server does not have.
    Unknown {
        /// What they are to get, as a noun.
        wanted: &'static str,
    },
    /// A machine is known by a key that the server is not told.
    Key {
        /// The key.
        key: String,
    },
    /// A machine that several selectors match gets another one's assignment by the server's rule.
    Order {
        /// The assignment that the server would choose.
        other: String,
    },
    /// A machine boots its image only while a token is there.
    BootOnce,
    /// A machine's own initrd is not among the release's blobs.
    OverlayNotPublished,
    /// Payloads are said to be where only another server has them.
    PayloadsOf {
        /// The other server.
        owner: &'static str,
    },
    /// A kernel parameter that the server takes for a template.
    Template {
        /// The parameter.
        parameter: String,
    },
}

impl fmt::Display for InterchangeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { wanted } => write!(f, "it has no {wanted} for unknown machines"),
            Self::Key { key } => write!(f, "it is not told the {key}"),
            Self::Order { other } => {
                write!(f, "for a machine that is also `{other}` it would choose that")
            }
            Self::BootOnce => f.write_str("it knows no tokens"),
            Self::OverlayNotPublished => {
                f.write_str("the machine's own initrd is not in the release")
            }
            Self::PayloadsOf { owner } => {
                write!(f, "only {owner} has them where they are said to be")
            }
            Self::Template { parameter } => {
                write!(f, "it would expand the kernel parameter `{parameter}`")
            }
        }
    }
}

impl InterchangeProblem {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => {
                "choose another policy for unknown machines: to refuse them, which every server \
                 does, or a profile for matchbox"
            }
            Self::Key { .. } => {
                "know the machine by what the server is told: its MAC address; for matchbox also \
                 its UUID, serial number, hostname or domain, of letters, digits, `.`, `_`, `~` \
                 and `-`"
            }
            Self::Order { .. } => {
                "know all machines by keys of one kind, or give the one that is to win more keys"
            }
            Self::BootOnce => "let the installed system tell the server that it is installed",
            Self::OverlayNotPublished => {
                "render the release with this fleet, publish it, and export its manifest"
            }
            Self::PayloadsOf { .. } => "give the URL at which the target is served",
            Self::Template { .. } => "write the parameter without `{{`",
        }
    }
}
