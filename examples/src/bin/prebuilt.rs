//! Publishes an existing image without Nix: one that a CI built, a release of nixos-images, or the
//! `netboot` directory of a Hydra job.

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use netboot_core::{
    Architecture, Builder, Context, PrebuiltBuilder, PrebuiltImage, ProfileName, ProfileSpec,
    Report,
};
use netboot_examples::run_program;
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher};
use url::Url;

/// Publish an existing kernel and initrd.
#[derive(Debug, Parser)]
struct Arguments {
    /// A directory with a kernel, an initrd, and either `init` and `kernel-params` or
    /// `netboot.ipxe`. A folder of `netboot build` may have a closure too.
    image: PathBuf,

    /// The profile name under which the image is published.
    #[arg(long, value_name = "NAME", default_value = "installer")]
    profile: ProfileName,

    /// The architecture of the machines that boot the image, such as `aarch64`. By default, the
    /// image's kernel tells it.
    #[arg(long, value_name = "NAME")]
    architecture: Option<Architecture>,

    /// The directory to publish to.
    #[arg(long, value_name = "DIR")]
    publish: PathBuf,

    /// The `http://` URL that serves this directory. Machines fetch closures from it.
    #[arg(long, value_name = "URL")]
    closure_url: Option<Url>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_program(async |context| run(&arguments, &context).await).await
}

async fn run(arguments: &Arguments, context: &Context) -> Result<(), Report> {
    let image = PrebuiltImage::directory(&arguments.image);
    let mut profile = ProfileSpec::new(arguments.profile.clone())?;
    let architecture = match arguments.architecture {
        None => image.find_architecture().await,
        given => given,
    };
    if let Some(architecture) = architecture {
        profile = profile.with_architecture(architecture);
    }
    let builder = PrebuiltBuilder::new().with_image(arguments.profile.clone(), image)?;

    let image = builder.build(&profile, context).await?;
    let mut renderer = Renderer::builder();
    if let Some(url) = &arguments.closure_url {
        renderer = renderer.closure_source(url)?;
    }
    let release = renderer.build()?.render_release([image])?;
    let publisher = Publisher::new(LocalStore::new(&arguments.publish));
    let receipt = publisher.publish(&release, context).await?;
    println!("{receipt}");
    Ok(())
}
