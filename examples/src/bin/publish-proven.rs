//! Publishes an image that exists already only if it comes up: stages it, boots it in QEMU from
//! where it lies, and activates it if the console shows what it should. An image that does not
//! boot leaves the live one untouched, and what its console said is printed.

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use netboot_core::{Builder, Context, PrebuiltBuilder, PrebuiltImage, ProfileName, ProfileSpec};
use netboot_examples::{Failure, QemuProver, run_program};
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::{Machine, MachineBuilder};

/// Publish a kernel and an initrd that exist already, if they boot.
#[derive(Debug, Parser)]
struct Arguments {
    /// A directory with a kernel, an initrd, and `init` with `kernel-params` or `netboot.ipxe`.
    image: PathBuf,

    /// The name that the image is published under.
    #[arg(long, value_name = "NAME", default_value = "installer")]
    profile: ProfileName,

    /// The directory to publish to.
    #[arg(long, value_name = "DIR")]
    publish: PathBuf,

    /// A text that the console has to show; may be given several times. Without one it is enough
    /// that Linux starts `init`.
    #[arg(long = "expect", value_name = "TEXT")]
    expected: Vec<String>,

    /// How long a boot may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_program(async |context| run(arguments, &context).await).await
}

async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let profile = ProfileSpec::new(arguments.profile.clone());
    let builder = PrebuiltBuilder::new()
        .with_image(arguments.profile, PrebuiltImage::directory(&arguments.image));
    let image = builder.build(&profile, context).await?;
    let release = Renderer::builder().build()?.render_release([image])?;

    let (expected, timeout) = (arguments.expected, Duration::from_secs(arguments.timeout));
    let prover = QemuProver::new(move |_| {
        let machine = Machine::builder().timeout(timeout);
        expected.iter().fold(machine, MachineBuilder::expect).build()
    });
    let publisher = Publisher::new(LocalStore::new(&arguments.publish));
    let receipt = publisher.publish_proven(&release, &prover, context).await?;
    println!("{receipt}");
    Ok(())
}
