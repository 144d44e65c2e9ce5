//! The reasons why a file cannot be fetched.

use crate::console::template::template;
use crate::console::text::ConsoleText;

/// The reason why one attempt to fetch a file failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FetchProblem {
    /// There is no connection: the name has no address, the server refuses connections, or the
    /// connection broke.
    Unreachable {
        /// The message of the operating system.
        reason: ConsoleText,
    },
    /// The server does not have the file: HTTP status 404 or 410.
    Missing,
    /// The server answered with another status than success.
    Refused {
        /// The HTTP status.
        status: u32,
    },
    /// The answer does not follow HTTP, or is not the part of the file that was asked for.
    Malformed {
        /// The fault in the answer.
        reason: ConsoleText,
    },
    /// The content does not have the digest of the file.
    WrongDigest,
    /// The answer has fewer bytes than the file.
    Truncated {
        /// The bytes that arrived.
        received: u64,
        /// The size of the file in bytes.
        expected: u64,
    },
    /// The answer has more bytes than the file.
    TooLong {
        /// The size of the file in bytes.
        expected: u64,
    },
    /// No byte arrived for a time.
    Stalled {
        /// The time in seconds.
        seconds: u64,
    },
}

template!(enum FetchProblem:
    Unreachable: "no connection: " reason "";
    Missing: "the server does not have it";
    Refused: "the server answered with status " status "";
    Malformed: "the answer is malformed: " reason "";
    WrongDigest: "the content has the wrong digest";
    Truncated: "only " received " of " expected " bytes came";
    TooLong: "more than " expected " bytes came";
    Stalled: "nothing came for " seconds " s";
);
