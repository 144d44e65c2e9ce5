//! The faults of an index.

use std::fmt;

/// A fault that makes an index unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexProblem {
    /// The format has another version, or it is no index at all.
    Version,
    /// The line is missing, or does not have the parts that it should have.
    Form {
        /// The form that the line should have.
        expected: &'static str,
    },
    /// A number is not a decimal number without leading zeros.
    Number,
    /// A digest is malformed.
    Digest,
    /// A store path is malformed.
    StorePath,
    /// The store path is not in order, or stands twice.
    Order,
    /// A reference is no number of a line, or the references are not in order.
    Reference,
    /// The `init` program lies in no path of the index, or its path is not plain.
    Init,
    /// A total is not the sum of the lines.
    Total,
    /// The index has another number of lines than it says.
    Count,
    /// One blob has two different sizes or archives.
    Blob,
}

impl fmt::Display for IndexProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("it is no index of version 1"),
            Self::Form { expected } => write!(f, "it should be `{expected}`"),
            Self::Number => f.write_str("a number is malformed"),
            Self::Digest => f.write_str("a digest is malformed"),
            Self::StorePath => f.write_str("a store path is malformed"),
            Self::Order => f.write_str("the store path is not in order, or stands twice"),
            Self::Reference => f.write_str("a reference is malformed or not in order"),
            Self::Init => f.write_str("init lies in no store path of the index"),
            Self::Total => f.write_str("a total is not the sum of the lines"),
            Self::Count => f.write_str("the number of store paths is wrong"),
            Self::Blob => f.write_str("a blob that stands above has another size or archive here"),
        }
    }
}
