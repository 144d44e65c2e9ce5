//! The hash of a path outside the store.

use std::ffi::OsString;
use std::path::Path;

use netboot_core::Context;

use crate::error::Error;
use crate::runner::Runner;
use crate::stop::Stop;

/// The NAR hash of a file or directory, in the form that `builtins.fetchTree` takes.
pub(crate) async fn nar_hash(
    path: &Path,
    runner: &Runner,
    context: &Context,
) -> Result<String, Stop> {
    let mut arguments: Vec<OsString> = ["hash", "path", "--"].map(OsString::from).into();
    arguments.push(path.into());
    let output = runner.answer(&arguments, context).await?;
    let text = String::from_utf8_lossy(&output).trim().to_owned();
    if !text.starts_with("sha256-") {
        let (program, problem) =
            ("nix hash path".to_owned(), format!("it printed {text:?}").into());
        return Err(Error::UnreadableOutput { program, problem }.into());
    }
    Ok(text)
}
