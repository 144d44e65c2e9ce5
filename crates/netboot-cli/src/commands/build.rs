//! `netboot build`: images of a flake's configurations, and a release of them.

mod building;
mod checking;
mod choice;
mod default_target;
mod output;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use netboot_closure::CompressionLevel;
use netboot_core::{
    Architecture, DocumentKind, Image, Payload, Profile, ProfileName, ProfileSpec, Report,
};
use netboot_nix::{NixBuilder, NixBuilderOptions};
use serde_json::{Map, Value, json};

use self::choice::{Choice, ConfigurationName, Wanted};
use self::default_target::pxe_assets;
use self::output::prepare_output;
use crate::answer::{Answer, FAILED};
use crate::at_least_one::at_least_one;
use crate::closure_program::closure_boot;
use crate::document_options::DocumentOptions;
use crate::failure::Cancelled;
use crate::image_directory::check_image_directory;
use crate::known_profiles::KnownProfiles;
use crate::misuse::{Misuse, OfCommandLine, first_given};
use crate::publication::{Publication, answer};
use crate::publication_options::PublicationOptions;
use crate::published_target::until_cancelled;
use crate::session::Session;
use crate::uki_options::{UkiOptions, Ukis};

/// Build netboot images from NixOS configurations with Nix.
#[derive(Debug, Args)]
#[command(after_long_help = BUILD_HELP)]
pub(crate) struct Arguments {
    /// The flake: a directory, `git+ssh://…` or `github:…`. The default is that of netboot.toml, or
    /// the working directory.
    #[arg(long, value_name = "REF")]
    flake: Option<String>,

    /// A profile to build. Can be repeated. The default is all profiles of the file or of
    /// netboot.toml, or else every configuration of the flake that matches `--configuration`.
    #[arg(long = "profile", value_name = "NAME")]
    names: Vec<ProfileName>,

    /// A TOML or JSON file that describes profiles, instead of netboot.toml.
    #[arg(long = "profiles", value_name = "FILE")]
    file: Option<PathBuf>,

    /// The name of a profile's configuration in the flake, such as `live-{profile}`; or the name of
    /// the only configuration to build, such as `pxe`. The default is `netboot-{profile}`.
    #[arg(long, value_name = "PATTERN")]
    configuration: Option<ConfigurationName>,

    /// The architecture of the machines that boot the images: `x86_64` or `aarch64`. The default
    /// is that of the profile's description, or `x86_64`.
    #[arg(long, value_name = "NAME")]
    architecture: Option<Architecture>,

    /// The directory for the folders of the profiles.
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    output_dir: PathBuf,

    /// A target to publish to: a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`,
    /// `USER@HOST:/PATH`, `rsync://HOST/MODULE/PATH`, or a name from netboot.toml. Can be repeated.
    /// Without it, the release goes to the assets of PlasmaCloud's PXE server if `build-images.sh`
    /// would find them from the working directory, and nowhere otherwise.
    #[arg(long = "to", value_name = "TARGET", alias = "pxe-dir")]
    targets: Vec<String>,

    /// Evaluate and check the configurations, and build nothing.
    #[arg(long, conflicts_with = "targets")]
    check: bool,

    /// Let the evaluation build what it imports (`allow-import-from-derivation` of Nix).
    #[arg(long)]
    allow_import_from_derivation: bool,

    /// The memory that the evaluation may use, in MiB.
    #[arg(long, value_name = "MIB", value_parser = at_least_one::<u64>)]
    evaluation_memory: Option<u64>,

    /// The time that the evaluation may take, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = at_least_one::<u64>)]
    evaluation_time: Option<u64>,

    /// Build images whose machines fetch their system store path by store path. The description of
    /// a profile can also choose this, with `payload = "closure"`.
    #[arg(long)]
    closure: bool,

    /// The static program `netboot-stage1`, which fetches a closure on the machine. The default is
    /// that of `[closure-boot]` of netboot.toml.
    #[arg(long, value_name = "FILE")]
    stage1: Option<PathBuf>,

    /// The level of a closure's compression, from 1 to 19: 3 to try changes, 19 to release. The
    /// default is 10.
    #[arg(long, value_name = "NUMBER", value_parser = level)]
    compression_level: Option<CompressionLevel>,

    #[command(flatten)]
    ukis: UkiOptions,

    #[command(flatten)]
    documents: DocumentOptions,

    #[command(flatten)]
    publication: PublicationOptions,
}

const BUILD_HELP: &str = "\
The images are in the output directory, a folder for each profile. With a target, they become a
release there; the other profiles of the live release stay live.

Standard output has the id of the release; with several targets, a line `ID TARGET` for each;
without a target, the folder of each profile.

With --json:
  profiles  the profiles. Each has:
    profile        its name
    configuration  the name of its configuration in the flake
    directory      its folder, or null if it was not built
    fetched_bytes  the size of what a machine fetches, or null
    uki            the file of its UKI, or null
    findings       with --check, what the policy finds: objects with text, hint and denied; or null
    error          the failure, as a command that failed has it, or null
  targets   the targets, as `netboot publish` tells them
  error     if a profile failed: the first failure; nothing is published then";

/// The work that is left once everything is checked.
struct Work {
    builder: NixBuilder,
    choice: Choice,
    ukis: Ukis,
    documents: Vec<DocumentKind>,
    publication: Publication,
}

impl Arguments {
    /// Builds the images and publishes them.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let context = &session.context;
        let work = match until_cancelled(session, Box::pin(self.prepare(session))).await {
            Err(_) if context.check().is_err() => {
                return Err(Cancelled::report("nothing was built or published"));
            }
            work => work?,
        };
        if self.check {
            return Box::pin(self.check(session, &work)).await;
        }
        if work.publication.has_targets() && work.publication.open_destinations().is_empty() {
            let failed = work.publication.publish(&[], context).await?;
            return answer(session, &failed, Map::new());
        }
        announce(session, &work);
        let built = Box::pin(self.build(session, &work)).await?;
        if built.has_failed {
            return Ok(Answer::new("", built.object).with_exit_code(FAILED));
        }
        if !work.publication.has_targets() {
            let folder = |image: &Image| self.folder(image.profile()).display().to_string();
            let folders: Vec<String> = built.images.iter().map(folder).collect();
            return Ok(Answer::new(folders.join("\n"), built.object));
        }
        let published = Box::pin(work.publication.publish(&built.images, context)).await?;
        answer(session, &published, built.object)
    }

    /// Checks everything that can be known before the build.
    async fn prepare(&self, session: &Session) -> Result<Work, Report> {
        let configuration = session.configuration()?;
        let known =
            KnownProfiles::of(configuration, self.file.as_deref()).await.of_command_line()?;
        let wanted = Wanted {
            names: &self.names,
            configuration: self.configuration.as_ref(),
            known: &known,
            architecture: self.architecture,
            closure: self.closure,
        };
        let ukis = self.ukis.read(session)?;
        let targets = if self.check { Vec::new() } else { self.targets(session) };
        let mut publication = self.publication.open(session, &targets).await?;
        if !self.check {
            let flake = self.flake(session)?;
            prepare_output(&self.output_dir, &flake, publication.open_destinations())?;
        }
        let flake = self.options(session)?.build().of_command_line()?;
        let choice = wanted.choose(&flake, &session.context).await?;
        self.require_closure(session, &choice)?;
        if !self.check {
            check_image_directory(&self.output_dir, choice.profiles.iter().map(Profile::name))?;
        }
        let profiles: Vec<&dyn Profile> =
            choice.profiles.iter().map(|profile| profile as &dyn Profile).collect();
        publication.rehearse(&profiles, session).await?;
        let configurations = choice.configurations.clone();
        let builder = self.options(session)?.configuration(move |profile| {
            configurations.get(profile.name()).cloned().unwrap_or_default()
        });
        let documents = self.documents.kinds(session)?;
        let builder = builder.licences(documents.contains(&DocumentKind::Sbom));
        let builder = builder.uki_stub(ukis.needs_stubs()).build().of_command_line()?;
        Ok(Work { builder, choice, ukis, documents, publication })
    }

    /// Fails if an image needs the program for closures, and nobody named it; and if no image has a
    /// closure, and an option is only for closures.
    fn require_closure(&self, session: &Session, choice: &Choice) -> Result<(), Report> {
        let needs = |profile: &&ProfileSpec| profile.payload() == Some(Payload::Closure);
        let has = self.stage1.is_some() || session.configuration()?.closure_boot.is_some();
        match choice.profiles.iter().find(needs) {
            Some(profile) if !has => Err(Misuse::report(
                format!("the image of `{}` needs the program netboot-stage1", profile.name()),
                "name its file: `--stage1 FILE`, or `program` in `[closure-boot]` of netboot.toml",
            )),
            Some(_) => Ok(()),
            None => match self.given_for_closures() {
                Some(option) => Err(Misuse::report(
                    format!("`{option}` has no effect: no profile that is built has a closure"),
                    format!("leave out `{option}`, or build images with a closure: `--closure`"),
                )),
                None => Ok(()),
            },
        }
    }

    /// The first option on the command line that is only for closures.
    fn given_for_closures(&self) -> Option<&'static str> {
        first_given([
            ("--stage1", self.stage1.is_some()),
            ("--compression-level", self.compression_level.is_some()),
        ])
    }

    /// The flake of the command line, of netboot.toml, or of the working directory.
    fn flake(&self, session: &Session) -> Result<String, Report> {
        let of_file = session.configuration()?.flake_reference()?;
        let of_file = of_file.map(|reference| reference.as_str().to_owned());
        Ok(self.flake.clone().or(of_file).unwrap_or_else(|| ".".to_owned()))
    }

    /// The options of the builder, without the names of configurations.
    fn options(&self, session: &Session) -> Result<NixBuilderOptions, Report> {
        let configuration = session.configuration()?;
        let mut options = NixBuilder::options(self.flake(session)?)
            .overrides(configuration.overrides()?)
            .state_directory(self.output_dir.join(".netboot"))
            .import_from_derivation(self.allow_import_from_derivation)
            .compression_level(self.compression_level.unwrap_or_default());
        if let Some(mebibytes) = self.evaluation_memory {
            options = options.evaluation_memory(mebibytes.saturating_mul(1024 * 1024));
        }
        if let Some(seconds) = self.evaluation_time {
            options = options.evaluation_time(Duration::from_secs(seconds));
        }
        if let Some(closure_boot) = closure_boot(self.stage1.as_deref(), configuration)? {
            options = options.closure_boot(closure_boot);
        }
        Ok(options)
    }

    /// The targets of the command line, or the one of the old script.
    fn targets(&self, session: &Session) -> Vec<String> {
        if !self.targets.is_empty() {
            return self.targets.clone();
        }
        let Some(assets) = pxe_assets(Path::new(".")) else { return Vec::new() };
        let assets = assets.display().to_string();
        session.progress.line(&format!(
            "The release goes to `{assets}`, the assets of PlasmaCloud's PXE server. Give --to to \
             publish elsewhere."
        ));
        vec![assets]
    }

    fn folder(&self, profile: &ProfileName) -> PathBuf {
        self.output_dir.join(profile.as_str())
    }
}

/// Reads the level of a compression.
fn level(text: &str) -> Result<CompressionLevel, String> {
    let level = text.parse().ok().and_then(|level| CompressionLevel::new(level).ok());
    level.ok_or_else(|| "write a number from 1 to 19".to_owned())
}

/// Says what is built, and where it goes.
fn announce(session: &Session, work: &Work) {
    let names: Vec<&str> = work.choice.configurations.values().map(String::as_str).collect();
    for (target, report) in work.publication.left_out() {
        session.progress.line(&format!("`{target}` is left out: {report}"));
    }
    let targets = work.publication.open_destinations().iter();
    let targets: Vec<String> = targets.map(|destination| destination.target.to_string()).collect();
    let then = match &targets[..] {
        [] => String::new(),
        targets => format!(", then publishing to {}", targets.join(", ")),
    };
    session.progress.line(&format!("Building {}{then}", names.join(", ")));
}

/// The object of a profile, without its outcome.
fn described(choice: &Choice, profile: &ProfileSpec) -> Value {
    let name = profile.name();
    json!({
        "profile": name,
        "configuration": choice.configurations.get(name),
        "directory": null,
        "fetched_bytes": null,
        "uki": null,
        "findings": null,
        "error": null,
    })
}
