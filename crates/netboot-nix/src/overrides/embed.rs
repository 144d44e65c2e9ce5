//! Overrides as they are handed to Nix.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use netboot_core::Context;
use serde::Serialize;

use super::Overrides;
use crate::Error;
use crate::process::{LastLines, Runner, Stop};

/// Overrides with all that the evaluation needs of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Embedded {
    #[serde(flatten)]
    overrides: Overrides,
    modules: Vec<Module>,
}

/// A module's path, and what it held when the build began.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Module {
    path: PathBuf,
    #[serde(rename = "narHash")]
    nar_hash: String,
}

/// Hashes the modules.
pub(crate) async fn embed(
    overrides: Overrides,
    runner: &Runner,
    context: &Context,
) -> Result<Embedded, Stop> {
    let mut modules = Vec::new();
    for path in overrides.modules() {
        let nar_hash = nar_hash(path, runner, context).await?;
        modules.push(Module { path: path.clone(), nar_hash });
    }
    Ok(Embedded { overrides, modules })
}

async fn nar_hash(path: &Path, runner: &Runner, context: &Context) -> Result<String, Stop> {
    let mut arguments: Vec<OsString> = ["hash", "path", "--"].map(OsString::from).into();
    arguments.push(path.into());
    let mut last_lines = LastLines::default();
    let finished =
        runner.run("nix", &arguments, context, |line| last_lines.push(line.to_owned())).await?;
    if !finished.status.success() {
        return Err(runner.failure("nix", &arguments, finished.status, &last_lines).into());
    }
    let text = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
    if !text.starts_with("sha256-") {
        let (program, problem) = ("nix hash path".to_owned(), format!("it said {text:?}"));
        return Err(Error::UnreadableOutput { program, problem }.into());
    }
    Ok(text)
}
