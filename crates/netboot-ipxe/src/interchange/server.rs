//! The names of the servers, and the format of their files.

use serde::Serialize;

use crate::error::Error;

/// The name of matchbox in errors.
pub(super) const MATCHBOX: &str = "matchbox";

/// The name of Pixiecore in errors.
pub(super) const PIXIECORE: &str = "Pixiecore";

/// Formats a value as indented JSON, with a line feed at the end.
pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|source| Error::Json { source })?;
    Ok(text + "\n")
}
