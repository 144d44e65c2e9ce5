//! Publishes one image to several sites at the same time. Each site has its own result; on request,
//! the release goes live at all sites or at none.

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use netboot_core::{
    Builder, Context, PrebuiltBuilder, PrebuiltImage, ProfileName, ProfileSpec, Report, SiteName,
};
use netboot_examples::run_program;
use netboot_ipxe::Renderer;
use netboot_publish::{ActivationPolicy, LocalStore, Publisher, Sites};

/// Publish an existing kernel and initrd to several directories.
#[derive(Debug, Parser)]
struct Arguments {
    /// A directory with a kernel, an initrd, and either `init` and `kernel-params` or
    /// `netboot.ipxe`.
    image: PathBuf,

    /// The profile name under which the image is published.
    #[arg(long, value_name = "NAME", default_value = "installer")]
    profile: ProfileName,

    /// A site and the directory to publish to. Repeat for each site.
    #[arg(long = "site", value_name = "NAME=DIR", required = true)]
    sites: Vec<Site>,

    /// Activate the release only if that is possible at all sites.
    #[arg(long)]
    all_or_none: bool,

    /// The maximum time for sending everything to a site and activating it, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
}

#[derive(Debug, Clone)]
struct Site {
    name: SiteName,
    directory: PathBuf,
}

impl FromStr for Site {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, directory) = text.split_once('=').ok_or("write NAME=DIR")?;
        let name = SiteName::new(name).map_err(|error| error.to_string())?;
        Ok(Self { name, directory: directory.into() })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_program(async |context| run(&arguments, &context).await).await
}

async fn run(arguments: &Arguments, context: &Context) -> Result<(), Report> {
    let profile = ProfileSpec::new(arguments.profile.clone())?;
    let builder = PrebuiltBuilder::new()
        .with_image(arguments.profile.clone(), PrebuiltImage::directory(&arguments.image))?;
    let image = builder.build(&profile, context).await?;
    let release = Renderer::builder().build()?.render_release([image])?;

    let mut sites = Sites::builder().timeout(Duration::from_secs(arguments.timeout));
    if arguments.all_or_none {
        sites = sites.policy(ActivationPolicy::AllOrNone);
    }
    // Each site can have any store: a bucket, for example, or the disk of another machine.
    for Site { name, directory } in &arguments.sites {
        sites = sites.site(name.clone(), Publisher::new(LocalStore::new(directory)));
    }
    let report = sites.build()?.publish(&release, context).await;
    println!("{}", report.ensure_live_everywhere()?);
    Ok(())
}
