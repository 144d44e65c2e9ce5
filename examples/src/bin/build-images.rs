//! Builds netboot images of a flake's profiles, and publishes them: the successor of the shell
//! script `build-images.sh`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use netboot_core::plasmacloud;
use netboot_core::{Builder, CancellationToken, Context, Image, Profile, ProfileName, ProfileSpec};
use netboot_examples::{Failure, Progress, write_build_log, write_image_directory};
use netboot_ipxe::Renderer;
use netboot_nix::NixBuilder;
use netboot_publish::{LocalStore, Publisher};

/// Where PlasmaCloud's PXE server keeps what it serves, below the root of the repository.
const PXE_ASSETS: &str = "chainfire/baremetal/pxe-server/assets/nixos";

/// Build netboot images of NixOS configurations with Nix.
#[derive(Debug, Parser)]
struct Arguments {
    /// The flake that has `nixosConfigurations.netboot-<profile>`.
    #[arg(long, value_name = "REF", default_value = ".")]
    flake: String,

    /// A profile to build; may be given several times. All of them by default.
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,

    /// A TOML or JSON file that describes the profiles, instead of PlasmaCloud's three.
    #[arg(long, value_name = "FILE")]
    profile_file: Option<PathBuf>,

    /// Where each profile's folder is written.
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    output_dir: PathBuf,

    /// A directory that a web server serves to booting machines: a release is published there.
    /// By default PlasmaCloud's PXE server's assets, where they exist.
    #[arg(long, value_name = "DIR")]
    pxe_dir: Option<PathBuf>,

    /// Keep the links of the old layout in the PXE directory too, for boot scripts that name
    /// `bzImage-<profile>`. A machine that boots while they change can get a mixture.
    #[arg(long)]
    legacy_links: bool,

    /// Show what Nix and the builders print.
    #[arg(long, short)]
    verbose: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let progress = Progress::new(arguments.verbose);
    let cancellation = CancellationToken::new();
    let context =
        Context::new().with_events(progress.clone()).with_cancellation(cancellation.clone());
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancellation.cancel();
        }
    });
    match run(&arguments, &context, &progress).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failures) => {
            for failure in failures {
                progress.line(&failure.to_string());
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(
    arguments: &Arguments,
    context: &Context,
    progress: &Progress,
) -> Result<(), Vec<Failure>> {
    let one = |failure: Failure| vec![failure];
    let profiles = select_profiles(arguments).await.map_err(one)?;
    let renderer = Renderer::builder().build().map_err(|error| one(error.into()))?;
    let builder = NixBuilder::builder(&arguments.flake)
        .state_directory(arguments.output_dir.join(".netboot"))
        .build()
        .map_err(|error| one(error.into()))?;

    let mut images = Vec::new();
    let mut failures = Vec::new();
    let results = builder.build_all(&profiles, context).await;
    for (profile, result) in profiles.iter().zip(results) {
        let outcome = match result {
            Ok(image) => write_image(arguments, &renderer, &image).await.map(|()| image),
            Err(error) => Err(keep_log(&arguments.output_dir, profile.name(), error).await),
        };
        match outcome {
            Ok(image) => {
                let folder = arguments.output_dir.join(profile.name().as_str());
                let mebibytes = image.payload_size() / (1024 * 1024);
                progress.line(&format!("{}: {mebibytes} MiB", folder.display()));
                images.push(image);
            }
            Err(failure) => failures.push(failure),
        }
    }
    let pxe_dir = arguments.pxe_dir.clone().or_else(|| find_pxe_assets(Path::new(".")));
    match pxe_dir {
        _ if !failures.is_empty() => Err(failures),
        Some(directory) => {
            publish(arguments, &directory, images, &renderer, context, progress).await.map_err(one)
        }
        None => Ok(()),
    }
}

async fn select_profiles(arguments: &Arguments) -> Result<Vec<Arc<dyn Profile>>, Failure> {
    let known = match &arguments.profile_file {
        Some(path) => ProfileSpec::load(path).await?,
        None => plasmacloud::profiles()?,
    };
    let names: Vec<&str> = known.iter().map(|profile| profile.name().as_str()).collect();
    let mut chosen = BTreeSet::new();
    for name in &arguments.profiles {
        let name = ProfileName::new(name)?;
        if !names.contains(&name.as_str()) {
            return Err(Failure::new(
                format!("there is no profile `{name}`"),
                format!("choose one of: {}", names.join(", ")),
            ));
        }
        chosen.insert(name);
    }
    let wanted = |profile: &ProfileSpec| chosen.is_empty() || chosen.contains(profile.name());
    Ok(known.into_iter().filter(wanted).map(|profile| Arc::new(profile) as _).collect())
}

async fn write_image(
    arguments: &Arguments,
    renderer: &Renderer,
    image: &Image,
) -> Result<(), Failure> {
    let script = renderer.render_standalone(image)?;
    write_image_directory(&arguments.output_dir, image, &script).await?;
    Ok(())
}

/// Puts the log of a failed build where the runbook looks for it.
async fn keep_log(output_dir: &Path, profile: &ProfileName, error: netboot_core::Error) -> Failure {
    let nix_error = std::error::Error::source(&error)
        .and_then(|source| source.downcast_ref::<netboot_nix::Error>());
    if let Some(log) = nix_error.and_then(netboot_nix::Error::build_log)
        && let Err(failed) = write_build_log(output_dir, profile.as_str(), log).await
    {
        return failed.into();
    }
    error.into()
}

async fn publish(
    arguments: &Arguments,
    directory: &Path,
    images: Vec<Image>,
    renderer: &Renderer,
    context: &Context,
    progress: &Progress,
) -> Result<(), Failure> {
    let publisher =
        Publisher::new(LocalStore::new(directory)).with_legacy_links(arguments.legacy_links);
    // Profiles that were not built this time stay what they are in the live release.
    let there = match publisher.live().await? {
        Some(live) => publisher.images(&live).await?,
        None => Vec::new(),
    };
    let built: BTreeSet<ProfileName> = images.iter().map(|image| image.profile().clone()).collect();
    let kept = there.into_iter().filter(|image| !built.contains(image.profile()));
    let mut all: Vec<Image> = images.into_iter().chain(kept).collect();
    all.sort_by(|one, other| one.profile().cmp(other.profile()));
    let release = renderer.render_release(all)?;
    let receipt = publisher.publish(&release, context).await?;
    progress.line(&format!("{}: {receipt}", directory.display()));
    Ok(())
}

/// The PXE server's assets, looked for in `start` and every directory above it.
fn find_pxe_assets(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    start.ancestors().map(|directory| directory.join(PXE_ASSETS)).find(|assets| assets.is_dir())
}
