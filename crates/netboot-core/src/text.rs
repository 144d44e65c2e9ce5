//! How validated texts are refused: one list of problems, shared by every newtype.

use std::fmt;

/// What a refused text was meant to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueKind {
    /// A [`ProfileName`](crate::ProfileName).
    ProfileName,
    /// A [`ServiceName`](crate::ServiceName).
    ServiceName,
    /// A [`PointerName`](crate::PointerName).
    PointerName,
    /// A [`SiteName`](crate::SiteName).
    SiteName,
    /// A [`Title`](crate::Title).
    Title,
    /// A [`FileName`](crate::FileName).
    FileName,
    /// A [`ReleasePath`](crate::ReleasePath).
    ReleasePath,
    /// A [`KernelParameter`](crate::KernelParameter).
    KernelParameter,
    /// A [`KernelCommandLine`](crate::KernelCommandLine).
    KernelCommandLine,
    /// An [`InitPath`](crate::InitPath).
    InitPath,
    /// A [`Sha256Digest`](crate::Sha256Digest).
    Sha256Digest,
    /// A [`ReleaseId`](crate::ReleaseId).
    ReleaseId,
    /// An [`Architecture`](crate::Architecture).
    Architecture,
}

impl ValueKind {
    /// The rule that a value of this kind keeps, as a sentence for an operator.
    pub fn rule(self) -> &'static str {
        match self {
            Self::ProfileName | Self::ServiceName | Self::PointerName | Self::SiteName => {
                "use 1 to 63 lower-case letters, digits, `-` and `_`, beginning and ending with a \
                 letter or digit, and none of the reserved names"
            }
            Self::Title => "use 1 to 100 characters without control characters",
            Self::FileName => {
                "use 1 to 128 letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
            }
            Self::ReleasePath => {
                "use a relative path of at most 512 bytes whose parts, separated by `/`, are file \
                 names (letters, digits, `.`, `_`, `-`)"
            }
            Self::KernelParameter => {
                "use 1 to 1024 printable ASCII characters; white space only between double \
                 quotes; `init=` and `initrd=` are set by Netboot and must not be given"
            }
            Self::KernelCommandLine => {
                "shorten or drop kernel parameters: firmware and iPXE cut the line at 2047 bytes \
                 without a word"
            }
            Self::InitPath => {
                "give the absolute path of init as the configuration built it, such as \
                 `/nix/store/<hash>-nixos-system-<name>/init`; a kernel expands no `*`"
            }
            Self::Sha256Digest | Self::ReleaseId => "give the 64 hexadecimal digits of a SHA-256",
            Self::Architecture => {
                "use one of x86_64, aarch64, riscv64, armv7l, powerpc64le, loongarch64, or the \
                 Nix system of one, such as x86_64-linux"
            }
        }
    }
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ProfileName => "profile name",
            Self::ServiceName => "service name",
            Self::PointerName => "pointer name",
            Self::SiteName => "site name",
            Self::Title => "title",
            Self::FileName => "file name",
            Self::ReleasePath => "release path",
            Self::KernelParameter => "kernel parameter",
            Self::KernelCommandLine => "kernel command line",
            Self::InitPath => "init path",
            Self::Sha256Digest => "SHA-256 digest",
            Self::ReleaseId => "release id",
            Self::Architecture => "architecture",
        })
    }
}

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextProblem {
    /// There is no text.
    Empty,
    /// The text is longer than its kind allows.
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The greatest length allowed, in bytes.
        limit: usize,
    },
    /// A character that its kind does not allow.
    ForbiddenCharacter {
        /// The character.
        character: char,
        /// Where it stands, in bytes from the start.
        position: usize,
    },
    /// The first or last character is allowed only in between.
    BadEdge {
        /// The character.
        character: char,
    },
    /// The name has a meaning of its own.
    Reserved,
    /// The text does not have the form that its kind has.
    Malformed {
        /// What was expected, as a noun phrase.
        expected: &'static str,
    },
}

impl fmt::Display for TextProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong { length, limit } => {
                write!(f, "it has {length} bytes and {limit} are allowed")
            }
            Self::ForbiddenCharacter { character, position } => {
                write!(f, "the character {character:?} at byte {position} is not allowed")
            }
            Self::BadEdge { character } => {
                write!(f, "it must not begin or end with {character:?}")
            }
            Self::Reserved => f.write_str("the name is reserved"),
            Self::Malformed { expected } => write!(f, "expected {expected}"),
        }
    }
}

/// Refuses empty and overlong texts and the first character that `allowed` does not accept.
pub(crate) fn check(
    text: &str,
    limit: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), TextProblem> {
    if text.is_empty() {
        return Err(TextProblem::Empty);
    }
    if text.len() > limit {
        return Err(TextProblem::TooLong { length: text.len(), limit });
    }
    match text.char_indices().find(|(_, character)| !allowed(*character)) {
        Some((position, character)) => Err(TextProblem::ForbiddenCharacter { character, position }),
        None => Ok(()),
    }
}

/// The rule of profile, service and pointer names.
pub(crate) fn check_name(text: &str) -> Result<(), TextProblem> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    check(text, 63, inner)?;
    let edges = [text.chars().next(), text.chars().next_back()];
    match edges.into_iter().flatten().find(|c| !c.is_ascii_alphanumeric()) {
        Some(character) => Err(TextProblem::BadEdge { character }),
        None => Ok(()),
    }
}

/// Implements the usual traits of a validated text: parsing, display, serde, conversions.
macro_rules! validated_text {
    ($name:ident, $kind:expr, $check:expr) => {
        impl $name {
            /// Validates `text`.
            ///
            /// # Errors
            /// [`Error::InvalidValue`](crate::Error::InvalidValue), which names the text and
            /// what is wrong with it.
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::Error> {
                let text = text.into();
                match $check(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(problem) => Err($crate::Error::invalid($kind, &text, problem)),
                }
            }

            /// The validated text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::Error;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use validated_text;
