//! `netboot size`: what makes an image large, store path by store path.

mod object;
mod treemap_svg;

use std::fmt::Write as _;
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};
use netboot_core::inspect::{inspect_initrd, least_memory_mib};
use netboot_core::{
    Builder, Closure, ClosureManifest, Context, Image, Payload, Profile, ProfileName, ProfileSpec,
    Report, counted, plasmacloud,
};
use netboot_nix::{NixBuilder, SizeReport};
use serde_json::json;

use self::object::{AFTER, object};
use crate::answer::{Answer, FOUND};
use crate::closure_program::closure_boot;
use crate::configuration::Configuration;
use crate::failure::Cancelled;
use crate::misuse::{Misuse, OfCommandLine};
use crate::published_target::until_cancelled;
use crate::session::Session;
use crate::target::Target;

#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub(crate) struct Arguments {
    /// The flake. The default is that of netboot.toml, or the working directory.
    #[arg(long, value_name = "REF")]
    flake: Option<String>,

    /// The profile: one of netboot.toml, one of PlasmaCloud's, or any other name.
    #[arg(long, value_name = "NAME")]
    profile: ProfileName,

    /// The size budget of kernel and initrds together, in bytes, instead of the profile's budget.
    #[arg(long, value_name = "BYTES")]
    budget: Option<u64>,

    /// A TARGET. The table also shows what is new against its live release, if the image has a
    /// closure.
    #[arg(long, value_name = "TARGET")]
    since: Option<String>,

    /// The static program `netboot-stage1`, for profiles whose payload is the closure. The default
    /// is that of netboot.toml.
    #[arg(long, value_name = "FILE")]
    stage1: Option<PathBuf>,

    /// Report the image with a closure, whatever the profile's payload.
    #[arg(long)]
    closure: bool,

    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Write the report to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table of the largest store paths, and of packages with several versions.
    Text,
    /// A picture in which the area of each store path shows its size.
    Svg,
}

impl Arguments {
    /// Builds the image, if it is not built yet, and reports its size.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let context = &session.context;
        // A mistake in the target is told before the build.
        let since = self.since.as_ref().map(|target| session.target(target)).transpose()?;
        let built = self.build(session).await;
        let (image, report) = match built {
            Err(_) if context.check().is_err() => {
                return Err(Cancelled::report("the image was not measured"));
            }
            built => built?,
        };
        let live = match &since {
            Some(target) => self.live_closure(target, session).await?,
            None => None,
        };
        let memory = memory(&image, &context.for_profile(image.profile())).await?;
        let picture = (self.format == Format::Svg).then(|| treemap_svg::render(&report));
        let mut object = object(&report);
        object["least_memory_mib"] = json!(memory);
        object["new_paths"] = json!(live.as_ref().map(|live| {
            report.new_paths(live).iter().map(|path| path.name()).collect::<Vec<_>>()
        }));
        object["picture"] = json!(picture);
        let mut text = picture.unwrap_or_else(|| {
            let new = since.is_some().then(|| shown_new(&report, live.as_ref()));
            format!("{report}{}{}", new.unwrap_or_default(), shown_memory(memory))
        });
        if let Some(path) = &self.output {
            let written = if session.options.json { format!("{object:#}\n") } else { text };
            let failed = |source| netboot_core::Error::io("write", path, source);
            tokio::fs::write(path, written).await.map_err(failed)?;
            text = path.display().to_string();
        }
        let answer = Answer::new(text, object);
        Ok(if report.is_over_budget() { answer.with_exit_code(FOUND) } else { answer })
    }

    async fn build(&self, session: &Session) -> Result<(Image, SizeReport), Report> {
        let (configuration, context) = (session.configuration()?, &session.context);
        let flake = match (&self.flake, configuration.flake_reference()?) {
            (Some(flake), _) => flake.clone(),
            (None, Some(reference)) => reference.to_string(),
            (None, None) => ".".to_owned(),
        };
        let mut profile = described(&self.profile, configuration)?;
        if let Some(budget) = self.budget {
            profile = profile.with_size_budget(budget);
        }
        if self.closure {
            profile = profile.with_payload(Payload::Closure);
        }
        if self.stage1.is_some() && profile.payload() != Some(Payload::Closure) {
            return Err(Misuse::report(
                format!("`--stage1` has no effect: the image of `{}` has no closure", self.profile),
                "leave out `--stage1`, or report the image with a closure: `--closure`",
            ));
        }
        let attribute = configuration.flake_attribute(&self.profile);
        let mut options = NixBuilder::options(flake)
            .configuration(move |_| attribute.clone())
            .overrides(configuration.overrides()?);
        if let Some(closure_boot) = closure_boot(self.stage1.as_deref(), configuration)? {
            options = options.closure_boot(closure_boot);
        }
        let builder = options.build().of_command_line()?;
        let image = builder.build(&profile, context).await?;
        let report = builder.size_report(&profile, &image, context).await?;
        Ok((image, report))
    }

    /// The closure that machines of this profile have from the live release.
    async fn live_closure(
        &self,
        target: &Target,
        session: &Session,
    ) -> Result<Option<ClosureManifest>, Report> {
        let publisher = target.reader().await?;
        let Some(live) = until_cancelled(session, publisher.live()).await? else {
            return Ok(None);
        };
        let images = until_cancelled(session, publisher.images(&live)).await?;
        let image = images.iter().find(|image| *image.profile() == self.profile);
        Ok(image.and_then(Image::closure).map(Closure::manifest))
    }
}

/// The profile as netboot.toml or this program describes it.
fn described(name: &ProfileName, configuration: &Configuration) -> Result<ProfileSpec, Report> {
    let known = configuration.profile_specs().into_iter().chain(plasmacloud::profiles()?);
    let mut known = known.filter(|profile| profile.name() == name);
    let Ok(unknown) = ProfileSpec::new(name.clone());
    Ok(known.next().unwrap_or(unknown))
}

/// The store paths that machines of the live release fetch.
fn shown_new(report: &SizeReport, live: Option<&ClosureManifest>) -> String {
    let Some(live) = live else {
        return "the live release has no closure of this profile\n".to_owned();
    };
    let new = report.new_paths(live);
    let bytes = new.iter().filter_map(|path| path.blob).map(|blob| blob.size).sum();
    let mut text = format!(
        "new against the live release: {} in {}\n",
        ByteSize::b(bytes).display().iec(),
        counted(new.len(), "store path")
    );
    for path in new {
        let size = ByteSize::b(path.blob.map_or(0, |blob| blob.size)).display().iec().to_string();
        let _ = writeln!(text, "{size:>11}  {}", path.name());
    }
    text
}

/// The least memory that a machine needs, in MiB. It is unknown if an initrd cannot be read.
async fn memory(image: &Image, context: &Context) -> Result<Option<u64>, Report> {
    let mut initrds = Vec::new();
    for initrd in image.initrds() {
        let Some(path) = initrd.local_path() else { return Ok(None) };
        initrds.push((initrd.size(), inspect_initrd(path, context).await?));
    }
    let initrds = initrds.iter().map(|(size, summary)| (*size, summary));
    let closure = image.closure().map(Closure::manifest);
    Ok(least_memory_mib(initrds, closure.as_ref()))
}

fn shown_memory(least_mib: Option<u64>) -> String {
    match least_mib {
        Some(least) => format!(
            "a machine needs {least} MiB of memory, and more for the programs that run on it\n"
        ),
        None => "the memory that a machine needs is not known: an initrd cannot be read\n".into(),
    }
}
