//! The command line of `build-images`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use netboot_closure::CompressionLevel;
use netboot_core::{Payload, Profile, ProfileName, ProfileSpec, Report, plasmacloud};
use netboot_ipxe::Renderer;
use netboot_nix::{ClosureBoot, NixBuilder};
use url::Url;

/// The directory that PlasmaCloud's PXE server serves, below the root of the repository.
const PXE_ASSETS: &str = "chainfire/baremetal/pxe-server/assets/nixos";

/// Build netboot images from NixOS configurations with Nix.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Arguments {
    /// The flake with `nixosConfigurations.netboot-<profile>`.
    #[arg(long, value_name = "REF", default_value = ".")]
    pub(crate) flake: String,

    /// A profile to build. Can be repeated; the default is all profiles.
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,

    /// A TOML or JSON file that describes the profiles, instead of PlasmaCloud's three.
    #[arg(long, value_name = "FILE")]
    profile_file: Option<PathBuf>,

    /// The directory for the folders of the profiles.
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    pub(crate) output_dir: PathBuf,

    /// Publish a release to this directory, which a web server serves to booting machines. The
    /// default is the asset directory of PlasmaCloud's PXE server, if it exists.
    #[arg(long, value_name = "DIR")]
    pxe_dir: Option<PathBuf>,

    /// Also keep the links of the old layout in the PXE directory, for boot scripts that name
    /// `bzImage-<profile>`. A machine that boots while the links change can get files of two
    /// releases.
    #[arg(long)]
    pub(crate) legacy_links: bool,

    /// Replace files of other programs, such as the old shell script, that stand where a release
    /// has its entry points and links.
    #[arg(long)]
    pub(crate) replace_foreign: bool,

    /// Build images whose machines fetch their system store path by store path. A profile file can
    /// also choose this for each profile, with `payload = "closure"`.
    #[arg(long, requires_all = ["stage1", "closure_url"])]
    pub(crate) closure: bool,

    /// The static program `netboot-stage1`, which fetches a closure on the machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) stage1: Option<PathBuf>,

    /// The `http://` URL from which machines fetch closures. It serves the PXE directory, or the
    /// output directory if nothing is published.
    #[arg(long, value_name = "URL")]
    pub(crate) closure_url: Option<Url>,

    /// The level of a closure's compression, from 1 to 19: 3 to try changes, 19 to release.
    #[arg(long, value_name = "NUMBER", default_value_t = CompressionLevel::default().get())]
    compression_level: u8,

    /// Show what Nix and the builders print.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

impl Arguments {
    /// The profiles to build.
    pub(crate) async fn select_profiles(&self) -> Result<Vec<Arc<dyn Profile>>, Report> {
        let known = match &self.profile_file {
            Some(path) => ProfileSpec::load(path).await?,
            None => plasmacloud::profiles()?,
        };
        let names: Vec<&str> = known.iter().map(|profile| profile.name().as_str()).collect();
        let mut chosen = BTreeSet::new();
        for name in &self.profiles {
            let name = ProfileName::new(name)?;
            if !names.contains(&name.as_str()) {
                return Err(Report::message(
                    format!("there is no profile `{name}`"),
                    format!("choose one of: {}", names.join(", ")),
                ));
            }
            chosen.insert(name);
        }
        let wanted = |profile: &ProfileSpec| chosen.is_empty() || chosen.contains(profile.name());
        Ok(known.into_iter().filter(wanted).map(Into::into).collect())
    }

    /// The builder of the images.
    pub(crate) fn builder(&self) -> Result<NixBuilder, Report> {
        let mut builder = NixBuilder::options(&self.flake)
            .state_directory(self.output_dir.join(".netboot"))
            .compression_level(CompressionLevel::new(self.compression_level)?);
        if self.closure {
            builder = builder.payload(Payload::Closure);
        }
        if let Some(program) = &self.stage1 {
            builder = builder.closure_boot(ClosureBoot::with_program(program)?);
        }
        Ok(builder.build()?)
    }

    /// The renderer of scripts in a release.
    pub(crate) fn renderer(&self) -> Result<Renderer, Report> {
        renderer(self.closure_url.as_ref())
    }

    /// The renderer of the script in a profile's folder.
    pub(crate) fn folder_renderer(&self, profile: &ProfileName) -> Result<Renderer, Report> {
        let folder = self.closure_url.clone().filter(|_| self.pxe_directory().is_none());
        let Some(mut url) = folder else { return self.renderer() };
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(profile.as_str()).push("");
        }
        renderer(Some(&url))
    }

    /// The directory to publish to, if any.
    pub(crate) fn pxe_directory(&self) -> Option<PathBuf> {
        self.pxe_dir.clone().or_else(|| find_pxe_assets(Path::new(".")))
    }
}

fn renderer(closure_source: Option<&Url>) -> Result<Renderer, Report> {
    let mut renderer = Renderer::builder();
    if let Some(url) = closure_source {
        renderer = renderer.closure_source(url)?;
    }
    Ok(renderer.build()?)
}

/// Looks for the PXE server's assets in `start` and every directory above it.
fn find_pxe_assets(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    start.ancestors().map(|directory| directory.join(PXE_ASSETS)).find(|assets| assets.is_dir())
}
