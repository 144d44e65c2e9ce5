//! The time for which a pointer counts, on the command line.

use std::str::FromStr;
use std::time::Duration;

use crate::at_least_one::at_least_one;

/// The time for which a pointer counts after it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointerLifetime {
    /// It counts for this long.
    Limited(Duration),
    /// It counts for ever.
    Endless,
}

impl FromStr for PointerLifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Endless);
        }
        let hours: u32 = at_least_one(text).map_err(|problem| format!("{problem}, or `none`"))?;
        Ok(Self::Limited(Duration::from_secs(3600) * hours))
    }
}
