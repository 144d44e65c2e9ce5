//! Problems that a view finds in what a store gives.

use std::time::Duration;

use netboot_core::{BackendError, ErrorClass};

/// A reason not to serve what a store gives.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("it is replaced again and again while it is read")]
    Replaced,
    #[error("it has more bytes than the store told, so it was replaced meanwhile")]
    Longer,
    #[error("its bytes do not have the SHA-256 digest that it is named by")]
    WrongDigest,
    #[error("the store gave nothing for {} s", .0.as_secs_f64())]
    Silent(Duration),
    #[error(
        "no further object could be opened for {} s, and the limit of open objects is {open}",
        .after.as_secs_f64()
    )]
    TooManyOpen { open: usize, after: Duration },
}

impl BackendError for Problem {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Replaced | Self::Longer => {
                "ask again when the program that replaces it has ended; publishers replace only \
                 pointers and entry points, which are small"
            }
            Self::WrongDigest => "run `repair`, which sends the damaged file again",
            Self::Silent(_) => {
                "check the connection to the target, or give it more time: `StoreLimits` with a \
                 longer `answer` and `silence`"
            }
            Self::TooManyOpen { .. } => {
                "let more objects be open at once: `StoreLimits` with more `open_objects`"
            }
        };
        Some(hint.to_owned())
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Replaced | Self::Longer => ErrorClass::Conflict,
            Self::WrongDigest => ErrorClass::Damaged,
            Self::Silent(_) | Self::TooManyOpen { .. } => ErrorClass::TimedOut,
        }
    }
}
