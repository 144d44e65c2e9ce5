//! Shows what makes a profile's image large: as a table, as JSON, or as a treemap.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod treemap_svg;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytesize::ByteSize;
use clap::{Parser, ValueEnum};
use netboot_core::inspect::{inspect_initrd, least_memory_mib};
use netboot_core::{
    Builder, Closure, Context, Image, Payload, Profile, ProfileName, ProfileSpec, Report, counted,
    plasmacloud,
};
use netboot_examples::{Progress, Signals};
use netboot_nix::{ClosureBoot, NixBuilder, SizeReport};
use netboot_publish::{LocalStore, Publisher};

/// Show what makes an image large, store path by store path.
///
/// The exit code is 3 if the image exceeds its budget.
#[derive(Debug, Parser)]
struct Arguments {
    /// The flake with `nixosConfigurations.netboot-<profile>`.
    #[arg(long, value_name = "REF", default_value = ".")]
    flake: String,

    /// The profile: one of PlasmaCloud's, or any other name.
    #[arg(long, value_name = "NAME")]
    profile: ProfileName,

    /// The size budget of kernel and initrds together, in bytes, instead of the profile's budget.
    #[arg(long, value_name = "BYTES")]
    budget: Option<u64>,

    /// A published directory. The table also shows what is new against its live release, if the
    /// image has a closure.
    #[arg(long, value_name = "DIR")]
    since: Option<PathBuf>,

    /// The static program `netboot-stage1`, for profiles whose payload is the closure.
    #[arg(long, value_name = "FILE")]
    stage1: Option<PathBuf>,

    /// Report the image with a closure, whatever the profile's payload.
    #[arg(long, requires = "stage1")]
    closure: bool,

    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Write the report to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A table of the largest store paths, and of packages with several versions.
    Text,
    /// All data, for other programs.
    Json,
    /// A picture in which the area of each store path shows its size.
    Svg,
}

#[tokio::main]
async fn main() -> ExitCode {
    let progress = Progress::new(false);
    let signals = Signals::watch(&progress);
    match run(&Arguments::parse(), progress, &signals).await {
        Ok(report) if report.is_over_budget() => ExitCode::from(3),
        Ok(_) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("{}", report.in_full());
            ExitCode::from(signals.exit_code())
        }
    }
}

async fn run(
    arguments: &Arguments,
    progress: Progress,
    signals: &Signals,
) -> Result<SizeReport, Report> {
    let context = Context::new().with_events(progress).with_cancellation(signals.cancellation());
    let mut known = plasmacloud::profiles()?.into_iter();
    let profile = known.find(|profile| profile.name() == &arguments.profile);
    let Ok(unknown) = ProfileSpec::new(arguments.profile.clone());
    let mut profile = profile.unwrap_or(unknown);
    if let Some(budget) = arguments.budget {
        profile = profile.with_size_budget(budget);
    }
    let mut builder = NixBuilder::options(&arguments.flake);
    if let Some(program) = &arguments.stage1 {
        builder = builder.closure_boot(ClosureBoot::with_program(program)?);
    }
    if arguments.closure {
        profile = profile.with_payload(Payload::Closure);
    }
    let builder = builder.build()?;
    let image = builder.build(&profile, &context).await?;
    let report = builder.size_report(&profile, &image, &context).await?;
    let text = match arguments.format {
        Format::Text => {
            let new = match &arguments.since {
                Some(directory) => new_paths(&report, directory).await?,
                None => String::new(),
            };
            report.to_string() + &new + &memory(&image, &context).await?
        }
        Format::Json => {
            let json = serde_json::to_string_pretty(&report);
            json.map_err(|error| Report::message(error.to_string(), "ask for another format"))?
                + "\n"
        }
        Format::Svg => treemap_svg::render(&report),
    };
    match &arguments.output {
        None => print!("{text}"),
        Some(path) => tokio::fs::write(path, text).await.map_err(|error| {
            Report::message(
                format!("cannot write `{}`: {error}", path.display()),
                "give a file in an existing directory to which you can write",
            )
        })?,
    }
    Ok(report)
}

/// The store paths that machines of the live release fetch.
async fn new_paths(report: &SizeReport, directory: &Path) -> Result<String, Report> {
    let publisher = Publisher::new(LocalStore::new(directory));
    let live = match publisher.live().await? {
        Some(live) => publisher.images(&live).await?,
        None => Vec::new(),
    };
    let image = live.iter().find(|image| *image.profile() == report.profile);
    let Some(closure) = image.and_then(Image::closure) else {
        return Ok("the live release has no closure of this profile\n".to_owned());
    };
    let new = report.new_paths(&closure.manifest());
    let bytes = new.iter().filter_map(|path| path.blob).map(|blob| blob.size).sum();
    let mut text = format!(
        "new against the live release: {} in {}\n",
        ByteSize::b(bytes).display().iec(),
        counted(new.len(), "store path")
    );
    for path in new {
        let _ = writeln!(text, "{:>11}  {}", path.blob.map_or(0, |blob| blob.size), path.name());
    }
    Ok(text)
}

/// A line with the least memory that a machine needs.
async fn memory(image: &Image, context: &Context) -> Result<String, Report> {
    let unknown = "the memory that a machine needs is not known: an initrd cannot be read\n";
    let mut initrds = Vec::new();
    for initrd in image.initrds() {
        let Some(path) = initrd.local_path() else { return Ok(unknown.to_owned()) };
        initrds.push((initrd.size(), inspect_initrd(path, context).await?));
    }
    let initrds = initrds.iter().map(|(size, summary)| (*size, summary));
    let closure = image.closure().map(Closure::manifest);
    let least = least_memory_mib(initrds, closure.as_ref());
    Ok(least.map_or_else(
        || unknown.to_owned(),
        |least| {
            format!(
                "a machine needs {least} MiB of memory, and more for the programs that run on it\n"
            )
        },
    ))
}
