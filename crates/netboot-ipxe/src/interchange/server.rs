//! The servers that a fleet is exported to, and the form of their files.

use serde::Serialize;

use crate::error::Error;

/// matchbox's name, for errors.
pub(super) const MATCHBOX: &str = "matchbox";

/// Pixiecore's name, for errors.
pub(super) const PIXIECORE: &str = "Pixiecore";

/// JSON in lines, with a line break at its end.
pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|source| Error::Json { source })?;
    Ok(text + "\n")
}
