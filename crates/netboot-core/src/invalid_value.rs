//! The error of every validated text, with the list of problems.

use std::convert::Infallible;
use std::fmt;

use crate::backend_error::BackendError;
use crate::error_class::ErrorClass;

/// A text does not follow the rule of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a valid {kind}: {}", told(*kind, problem))]
#[non_exhaustive]
pub struct InvalidValue {
    /// The kind of value that the text was parsed as.
    pub kind: ValueKind,
    /// The text, cut to its first 80 characters.
    pub value: String,
    /// The problem with the text.
    pub problem: TextProblem,
}

impl InvalidValue {
    pub(crate) fn new(kind: ValueKind, value: &str, problem: TextProblem) -> Self {
        Self { kind, value: value.chars().take(80).collect(), problem }
    }
}

/// The problem and the part of the rule that it broke. Readers of files show the message of an
/// error without its hint.
fn told(kind: ValueKind, problem: &TextProblem) -> String {
    use ValueKind::{FileName, ReleasePath};
    match problem {
        TextProblem::ForbiddenCharacter { .. } => match kind.characters() {
            Some(characters) => format!("{problem}; it may have {characters}"),
            None => problem.to_string(),
        },
        TextProblem::BadEdge { character } if matches!(kind, FileName | ReleasePath) => {
            format!("a name must not begin with {character:?}, but with a letter or digit")
        }
        TextProblem::BadEdge { .. } => format!("{problem}, but with a letter or digit"),
        _ => problem.to_string(),
    }
}

/// A value that is valid already. Functions that take a text or such a value need this conversion.
impl From<Infallible> for InvalidValue {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl BackendError for InvalidValue {
    fn hint(&self) -> Option<String> {
        Some(self.kind.rule().to_owned())
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}

/// Validates several texts, or takes the values that are valid already.
pub(crate) fn validated<T>(
    items: impl IntoIterator<Item: TryInto<T, Error: Into<InvalidValue>>>,
) -> Result<Vec<T>, InvalidValue> {
    items.into_iter().map(|item| item.try_into().map_err(Into::into)).collect()
}

/// The kind of value that a text is parsed as.
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
    /// A [`StorePathDigest`](crate::StorePathDigest).
    StorePathDigest,
    /// A [`PointerTemplate`](crate::PointerTemplate).
    PointerTemplate,
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
    /// A [`MacAddress`](crate::MacAddress).
    MacAddress,
}

impl ValueKind {
    /// Turns the problems that `check` finds into errors of this kind.
    pub(crate) fn validated_by(
        self,
        check: impl Fn(&str) -> Result<(), TextProblem>,
    ) -> impl Fn(&str) -> Result<(), InvalidValue> {
        move |text| check(text).map_err(|problem| InvalidValue::new(self, text, problem))
    }

    /// The characters that a text of this kind may have.
    fn characters(self) -> Option<&'static str> {
        Some(match self {
            Self::ProfileName | Self::ServiceName | Self::PointerName | Self::SiteName => {
                "lower-case letters, digits, `-` and `_`"
            }
            Self::FileName => "letters of ASCII, digits, `.`, `_` and `-`",
            Self::ReleasePath => "letters of ASCII, digits, `.`, `_`, `-` and `/`",
            Self::Title => "all characters that are no control characters",
            Self::PointerTemplate => {
                "line feeds, tabs and all characters that are no control characters"
            }
            Self::StorePathDigest => "digits, and lower-case letters except `e`, `o`, `t` and `u`",
            Self::KernelParameter => "printable ASCII characters, and spaces between double quotes",
            Self::InitPath => "letters of ASCII, digits and `+-._?=/`",
            Self::KernelCommandLine
            | Self::Sha256Digest
            | Self::ReleaseId
            | Self::Architecture
            | Self::MacAddress => return None,
        })
    }

    /// Returns the rule for values of this kind, as a sentence for an operator.
    pub fn rule(self) -> &'static str {
        match self {
            Self::ProfileName => {
                "use 1 to 63 lower-case letters, digits, `-` and `_`; begin and end with a letter or \
                 digit; do not use `releases` or `blobs`"
            }
            Self::PointerName => {
                "use 1 to 63 lower-case letters, digits, `-` and `_`; begin and end with a letter or \
                 digit; do not use `boot` or `autoexec`"
            }
            Self::ServiceName | Self::SiteName => {
                "use 1 to 63 lower-case letters, digits, `-` and `_`; begin and end with a letter or \
                 digit"
            }
            Self::Title => "use 1 to 100 characters without control characters",
            Self::FileName => {
                "use 1 to 128 letters, digits, `.`, `_` and `-`; begin with a letter or digit"
            }
            Self::ReleasePath => {
                "use a relative path of at most 512 bytes whose parts, separated by `/`, are file \
                 names (letters, digits, `.`, `_`, `-`)"
            }
            Self::StorePathDigest => {
                "give the first 32 characters of a store path's name, as `/nix/store` lists it"
            }
            Self::PointerTemplate => {
                "use at most 16 KiB of text that ends with a line feed; write `@release-id@` where \
                 the release's id stands, and the comment `# Generated by netboot`; begin no line \
                 with `# netboot `"
            }
            Self::KernelParameter => {
                "use 1 to 1024 printable ASCII characters; put white space between double quotes; \
                 leave out `init=` and `initrd=`, which Netboot sets"
            }
            Self::KernelCommandLine => {
                "shorten or remove kernel parameters: firmware and iPXE silently cut the line at \
                 2047 bytes"
            }
            Self::InitPath => {
                "give the absolute path of the configuration's init, such as \
                 `/nix/store/<hash>-nixos-system-<name>/init`; a kernel does not expand `*`"
            }
            Self::Sha256Digest | Self::ReleaseId => "give the 64 hexadecimal digits of a SHA-256",
            Self::Architecture => {
                "use x86_64, aarch64, riscv64, armv7l, powerpc64le or loongarch64, or a Nix system \
                 such as x86_64-linux"
            }
            Self::MacAddress => {
                "write six pairs of hexadecimal digits, such as 52:54:00:12:34:56; do not use a \
                 group address or zeros"
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
            Self::SiteName => "target name",
            Self::Title => "title",
            Self::FileName => "file name",
            Self::ReleasePath => "release path",
            Self::StorePathDigest => "digest of a store path",
            Self::PointerTemplate => "pointer template",
            Self::KernelParameter => "kernel parameter",
            Self::KernelCommandLine => "kernel command line",
            Self::InitPath => "init path",
            Self::Sha256Digest => "SHA-256 digest",
            Self::ReleaseId => "release id",
            Self::Architecture => "architecture",
            Self::MacAddress => "hardware address of a network card",
        })
    }
}

/// The reason why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextProblem {
    /// The text is empty.
    Empty,
    /// The text is longer than its kind allows.
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The maximum length, in bytes.
        limit: usize,
    },
    /// The text has a character that its kind does not allow.
    ForbiddenCharacter {
        /// The character.
        character: char,
        /// The position of the character, in bytes from the start.
        position: usize,
    },
    /// The text begins or ends with a character that is allowed only in the middle.
    BadEdge {
        /// The character.
        character: char,
    },
    /// The name is reserved for another purpose.
    Reserved,
    /// The text does not have the form that its kind has.
    Malformed {
        /// A noun phrase that describes the expected form.
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

/// Checks that a text is not empty, has at most `limit` bytes, and that `allowed` accepts each of
/// its characters.
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
