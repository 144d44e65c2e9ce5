//! The faults of an archive.

use std::fmt;

/// A fault that makes an archive unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NarProblem {
    /// The archive ends too early.
    Truncated,
    /// The archive goes on after its end.
    TrailingBytes,
    /// Another string was expected.
    Unexpected {
        /// The strings that may stand here.
        expected: &'static str,
    },
    /// A string is longer than any string in this place can be.
    TooLong {
        /// Its length in bytes.
        length: u64,
        /// The greatest length in bytes.
        limit: u64,
    },
    /// The bytes after a string are not zero.
    Padding,
    /// A name is empty, `.` or `..`, or has a slash or a zero byte.
    Name {
        /// The name, printable.
        name: String,
    },
    /// The names of a directory are not in order, or one occurs twice.
    Order {
        /// The name that comes too late, printable.
        name: String,
    },
    /// A symbolic link has no target, or a target with a zero byte.
    Target,
    /// Directories are nested too deeply.
    TooDeep {
        /// The greatest depth.
        limit: usize,
    },
    /// The tree has too many files, directories and links.
    TooManyNodes {
        /// The greatest number.
        limit: u64,
    },
    /// The archive has too many bytes.
    TooLarge {
        /// The greatest size in bytes.
        limit: u64,
    },
}

impl fmt::Display for NarProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends too early"),
            Self::TrailingBytes => f.write_str("it has more bytes after its end"),
            Self::Unexpected { expected } => write!(f, "{expected} should stand here"),
            Self::TooLong { length, limit } => {
                write!(f, "a string of {length} bytes may have at most {limit}")
            }
            Self::Padding => f.write_str("the bytes after a string are not zero"),
            Self::Name { name } => write!(f, "a file cannot have the name {name}"),
            Self::Order { name } => write!(f, "the name {name} is not in order, or stands twice"),
            Self::Target => f.write_str("a symbolic link has no valid target"),
            Self::TooDeep { limit } => {
                write!(f, "its directories are nested more than {limit} deep")
            }
            Self::TooManyNodes { limit } => {
                write!(f, "it has more than {limit} files, directories and links")
            }
            Self::TooLarge { limit } => write!(f, "it has more than {limit} bytes"),
        }
    }
}
