//! Builds netboot images of a flake's profiles and publishes them. It replaces the shell script
//! `build-images.sh`.

mod arguments;
mod checks;
mod publishing;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use netboot_core::{Builder, Context, Image, ProfileName, Report, counted};
use netboot_examples::{Progress, Signals, write_build_log, write_image_directory};
use netboot_publish::{LocalStore, Publisher};

use crate::arguments::Arguments;
use crate::checks::{check_output, check_target};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let progress = Progress::new(arguments.verbose);
    let signals = Signals::watch(&progress);
    let context =
        Context::new().with_events(progress.clone()).with_cancellation(signals.cancellation());
    match run(&arguments, &context, &progress).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failures) => {
            for failure in failures {
                progress.line(&failure.in_full());
            }
            ExitCode::from(signals.exit_code())
        }
    }
}

async fn run(
    arguments: &Arguments,
    context: &Context,
    progress: &Progress,
) -> Result<(), Vec<Report>> {
    let one = |failure: Report| vec![failure];
    let profiles = arguments.select_profiles().await.map_err(one)?;
    let renderer = arguments.renderer().map_err(one)?;
    let builder = arguments.builder().map_err(one)?;
    let target = arguments.pxe_directory().map(|directory| {
        let publisher = Publisher::new(LocalStore::new(&directory))
            .with_legacy_links(arguments.legacy_links)
            .with_replace_foreign(arguments.replace_foreign);
        (directory, publisher)
    });
    check_output(arguments, profiles.iter().map(AsRef::as_ref)).map_err(one)?;
    if let Some((directory, publisher)) = &target {
        check_target(arguments, directory, publisher).await.map_err(one)?;
    }

    let mut images = Vec::new();
    let mut failures = Vec::new();
    let results = builder.build_all(&profiles, context).await;
    for (profile, result) in profiles.iter().zip(results) {
        let outcome = match result {
            Ok(image) => write_image(arguments, &image).await.map(|()| image),
            Err(error) => Err(keep_log(&arguments.output_dir, profile.name(), error)),
        };
        match outcome {
            Ok(image) => {
                let folder = arguments.output_dir.join(profile.name().as_str());
                let mebibytes = image.fetched_size() / (1024 * 1024);
                progress.line(&format!("{}: {mebibytes} MiB", folder.display()));
                images.push(image);
            }
            Err(failure) => failures.push(failure),
        }
    }
    match target {
        Some((directory, _)) if !failures.is_empty() => {
            let (failed, all) = (failures.len(), profiles.len());
            let what =
                format!("nothing was published: {failed} of {} failed", counted(all, "profile"));
            progress.line(&format!("{}: {what}", directory.display()));
            Err(failures)
        }
        None if !failures.is_empty() => Err(failures),
        Some((directory, publisher)) => {
            let receipt = publishing::publish(&publisher, &renderer, &images, context).await;
            progress.line(&format!("{}: {}", directory.display(), receipt.map_err(one)?));
            Ok(())
        }
        None => Ok(()),
    }
}

async fn write_image(arguments: &Arguments, image: &Image) -> Result<(), Report> {
    let script = arguments.folder_renderer(image.profile())?.render_standalone(image)?;
    write_image_directory(&arguments.output_dir, image, &script).await
}

/// Puts the log of a failed build in the place that the runbook names.
fn keep_log(output_dir: &Path, profile: &ProfileName, error: netboot_core::Error) -> Report {
    let nix_error = std::error::Error::source(&error)
        .and_then(|source| source.downcast_ref::<netboot_nix::Error>());
    if let Some(log) = nix_error.and_then(netboot_nix::Error::build_log)
        && let Err(failed) = write_build_log(output_dir, profile, log)
    {
        return failed;
    }
    error.into()
}
