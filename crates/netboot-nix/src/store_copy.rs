//! Copies store paths between stores.

use std::ffi::OsString;

use netboot_core::Context;

use crate::error::Error;
use crate::nix_output::NixOutput;
use crate::runner::Runner;
use crate::scale_out::binary_cache::BinaryCache;
use crate::scale_out::store_url::StoreUrl;
use crate::stop::Stop;
use crate::warnings::Warnings;

/// Copies derivations with all their dependencies to another store.
pub(crate) async fn send_derivations(
    runner: &Runner,
    store: &StoreUrl,
    derivations: &[&str],
    context: &Context,
) -> Result<(), Stop> {
    let options = ["--derivation", "--to", store.expose()];
    copy(runner, &options, &store.to_string(), derivations, context).await
}

/// Copies outputs from another store, which built them, to this one.
pub(crate) async fn fetch_outputs(
    runner: &Runner,
    store: &StoreUrl,
    outputs: &[&str],
    context: &Context,
) -> Result<(), Stop> {
    // New outputs have no signature. The caller trusts the store.
    let options = ["--no-check-sigs", "--from", store.expose()];
    copy(runner, &options, &store.to_string(), outputs, context).await
}

/// Copies outputs with all their dependencies to a binary cache.
pub(crate) async fn send_outputs(
    runner: &Runner,
    cache: &BinaryCache,
    outputs: &[&str],
    context: &Context,
) -> Result<(), Stop> {
    let options = ["--to", &cache.destination()];
    copy(runner, &options, &cache.to_string(), outputs, context).await
}

async fn copy(
    runner: &Runner,
    options: &[&str],
    store: &str,
    paths: &[&str],
    context: &Context,
) -> Result<(), Stop> {
    let words = ["copy", "--log-format", "internal-json", "-v"].iter().chain(options);
    let words = words.chain(&["--"]).chain(paths);
    let arguments: Vec<OsString> = words.map(OsString::from).collect();
    let (mut nix_output, mut warnings) = (NixOutput::default(), Warnings::new(None, context));
    let finished = runner
        .run("nix", &arguments, context, |line| {
            if let Some(event) = runner.read_line(line) {
                warnings.record(&event);
                nix_output.record(&event);
            }
        })
        .await?;
    if finished.status.success() {
        return Ok(());
    }
    let message = nix_output.all.to_vec().join("\n");
    Err(Error::CopyFailed { store: store.to_owned(), message: message.into() }.into())
}
