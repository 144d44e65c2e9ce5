//! Publishes through your own store: `AuditedStore`, which records every change at the target. Its
//! implementation is in `examples/src/audited_store.rs`, and a test holds it to the contract.

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use netboot_core::{
    Builder, Context, PrebuiltBuilder, PrebuiltImage, ProfileName, ProfileSpec, Report,
};
use netboot_examples::{AuditedStore, run_program};
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher};

/// Publish an existing kernel and initrd, and record the changes.
#[derive(Debug, Parser)]
struct Arguments {
    /// A directory with a kernel, an initrd, and either `init` and `kernel-params` or
    /// `netboot.ipxe`.
    image: PathBuf,

    /// The profile name under which the image is published.
    #[arg(long, value_name = "NAME", default_value = "installer")]
    profile: ProfileName,

    /// The directory to publish to.
    #[arg(long, value_name = "DIR")]
    publish: PathBuf,

    /// The file in which every change is recorded.
    #[arg(long, value_name = "FILE")]
    audit: PathBuf,
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

    let directory = Arc::new(LocalStore::new(&arguments.publish));
    let publisher = Publisher::new(AuditedStore::new(directory, &arguments.audit));
    println!("{}", publisher.publish(&release, context).await?);
    Ok(())
}
