//! The first bytes of a script, by which iPXE recognizes it (`script_probe` in iPXE's
//! `src/image/script.c`).

use std::fmt;

use crate::script::token::is_space;

/// The reason why iPXE does not take a text for a script. It fails with "Exec format error". With a
/// BIOS, it may instead take the text for a program and let the processor execute it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MagicProblem {
    /// The text starts with a byte order mark.
    ByteOrderMark,
    /// White space comes before `#!ipxe`.
    LeadingSpace,
    /// `#!ipxe` is not in lower case.
    Case,
    /// The text ends after `#!ipxe`. iPXE needs a byte of white space there.
    EndOfText,
    /// Something other than white space follows `#!ipxe`.
    NoSpace,
    /// The text starts with something else.
    Missing,
}

impl fmt::Display for MagicProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "it starts with a byte order mark",
            Self::LeadingSpace => "white space comes before `#!ipxe`",
            Self::Case => "`#!ipxe` is not in lower case",
            Self::EndOfText => "the text ends after `#!ipxe` without a line feed",
            Self::NoSpace => "`#!ipxe` is not followed by white space",
            Self::Missing => "the text does not start with `#!ipxe`",
        })
    }
}

/// Checks that the text starts with `#!ipxe` or `#!gpxe` and one byte of white space.
pub(crate) fn check(source: &[u8]) -> Result<(), MagicProblem> {
    const MAGIC: [&[u8]; 2] = [b"#!ipxe", b"#!gpxe"];
    let begins = |text: &[u8]| MAGIC.iter().any(|magic| text.starts_with(magic));
    if begins(source) {
        return match source.get(6) {
            Some(byte) if is_space(*byte) => Ok(()),
            Some(_) => Err(MagicProblem::NoSpace),
            None => Err(MagicProblem::EndOfText),
        };
    }
    if source.starts_with(b"\xef\xbb\xbf") {
        return Err(MagicProblem::ByteOrderMark);
    }
    let trimmed = source.iter().position(|byte| !is_space(*byte));
    if trimmed.and_then(|start| source.get(start..)).is_some_and(begins) {
        return Err(MagicProblem::LeadingSpace);
    }
    let start = source.get(..6).unwrap_or_default().to_ascii_lowercase();
    Err(if begins(&start) { MagicProblem::Case } else { MagicProblem::Missing })
}
