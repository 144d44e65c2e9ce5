//! The first bytes, by which iPXE knows a script (`script_probe` in iPXE's `src/image/script.c`).

use std::fmt;

use crate::script::token::is_space;

/// Why iPXE does not take a text for a script: it fails with "Exec format error", or, with a BIOS,
/// takes it for a program and lets the processor run its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MagicProblem {
    /// The text begins with a byte order mark.
    ByteOrderMark,
    /// White space stands before `#!ipxe`.
    LeadingSpace,
    /// `#!ipxe` is not in lower case.
    Case,
    /// The text ends behind `#!ipxe`; iPXE wants a byte of white space there.
    EndOfText,
    /// Something other than white space follows `#!ipxe`.
    NoSpace,
    /// The text begins with something else.
    Missing,
}

impl fmt::Display for MagicProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "a byte order mark stands before `#!ipxe`",
            Self::LeadingSpace => "white space stands before `#!ipxe`",
            Self::Case => "`#!ipxe` is not in lower case",
            Self::EndOfText => "the text ends behind `#!ipxe` without a line feed",
            Self::NoSpace => "`#!ipxe` is not followed by white space",
            Self::Missing => "the text does not begin with `#!ipxe`",
        })
    }
}

/// Checks that the text begins with `#!ipxe` or `#!gpxe` and one byte of white space.
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
