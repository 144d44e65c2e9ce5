//! The digest at the start of a store path's name, which names its file in a binary cache.

use serde::{Deserialize, Serialize};

use crate::invalid_value::{InvalidValue, TextProblem, ValueKind};
use crate::validated_text::validated_text;

/// The length of the digest.
const LENGTH: usize = 32;

/// The digits of Nix's base 32, which leaves out `e`, `o`, `t` and `u` (`src/libutil/hash.cc`).
const DIGITS: &str = "0123456789abcdfghijklmnpqrsvwxyz";

/// The digest of a store path: the first 32 characters of its name, such as
/// `s66mzxpvicwk07gjbjfw9izjfa797vsw`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorePathDigest(String);

validated_text!(
    StorePathDigest,
    InvalidValue,
    ValueKind::StorePathDigest.validated_by(|text| {
        let wrong = text.chars().enumerate().find(|(_, c)| !DIGITS.contains(*c));
        match wrong {
            _ if text.is_empty() => Err(TextProblem::Empty),
            Some((position, character)) => {
                Err(TextProblem::ForbiddenCharacter { character, position })
            }
            None if text.len() != LENGTH => Err(TextProblem::Malformed { expected: "32 digits" }),
            None => Ok(()),
        }
    })
);
