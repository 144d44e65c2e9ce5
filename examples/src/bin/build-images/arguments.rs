//! What `build-images` is asked to do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use netboot_core::{Profile, ProfileName, ProfileSpec, plasmacloud};
use netboot_examples::Failure;

/// Where PlasmaCloud's PXE server keeps what it serves, below the root of the repository.
const PXE_ASSETS: &str = "chainfire/baremetal/pxe-server/assets/nixos";

/// Build netboot images of NixOS configurations with Nix.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// The flake that has `nixosConfigurations.netboot-<profile>`.
    #[arg(long, value_name = "REF", default_value = ".")]
    pub(crate) flake: String,

    /// A profile to build; may be given several times. All of them by default.
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,

    /// A TOML or JSON file that describes the profiles, instead of PlasmaCloud's three.
    #[arg(long, value_name = "FILE")]
    profile_file: Option<PathBuf>,

    /// Where each profile's folder is written.
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    pub(crate) output_dir: PathBuf,

    /// A directory that a web server serves to booting machines: a release is published there.
    /// By default PlasmaCloud's PXE server's assets, where they exist.
    #[arg(long, value_name = "DIR")]
    pxe_dir: Option<PathBuf>,

    /// Keep the links of the old layout in the PXE directory too, for boot scripts that name
    /// `bzImage-<profile>`. A machine that boots while they change can get a mixture.
    #[arg(long)]
    pub(crate) legacy_links: bool,

    /// Replace files in the PXE directory that stand where a release's entry points and links
    /// belong, such as those that the old shell script put there.
    #[arg(long)]
    pub(crate) replace_foreign: bool,

    /// Show what Nix and the builders print.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

impl Arguments {
    /// The profiles that are to be built.
    pub(crate) async fn select_profiles(&self) -> Result<Vec<Arc<dyn Profile>>, Failure> {
        let known = match &self.profile_file {
            Some(path) => ProfileSpec::load(path).await?,
            None => plasmacloud::profiles()?,
        };
        let names: Vec<&str> = known.iter().map(|profile| profile.name().as_str()).collect();
        let mut chosen = BTreeSet::new();
        for name in &self.profiles {
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
        Ok(known.into_iter().filter(wanted).map(Into::into).collect())
    }

    /// The directory to publish to, if there is one.
    pub(crate) fn pxe_directory(&self) -> Option<PathBuf> {
        self.pxe_dir.clone().or_else(|| find_pxe_assets(Path::new(".")))
    }
}

/// The PXE server's assets, looked for in `start` and every directory above it.
fn find_pxe_assets(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    start.ancestors().map(|directory| directory.join(PXE_ASSETS)).find(|assets| assets.is_dir())
}
