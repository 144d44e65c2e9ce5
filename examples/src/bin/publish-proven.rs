//! Publishes an existing image only if it comes up: stages it, boots the staged image in QEMU, and
//! activates it if the console shows the expected texts. If it does not, the live release stays as
//! it is, and the program prints the end of the console.

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use netboot_core::{
    Architecture, Builder, Context, PrebuiltBuilder, PrebuiltImage, ProfileName, ProfileSpec,
    Report,
};
use netboot_examples::run_program;
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::{Machine, MachineBuilder, QemuProver};

/// Publish an existing kernel and initrd if they boot.
#[derive(Debug, Parser)]
struct Arguments {
    /// A directory with a kernel, an initrd, and either `init` and `kernel-params` or
    /// `netboot.ipxe`.
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

    /// The file of an iPXE that boots the virtual machine instead of the network card's. Machines
    /// for `aarch64` need one, unless the distribution has it.
    #[arg(long, value_name = "FILE")]
    ipxe: Option<PathBuf>,

    /// A text that the console has to show. Can be repeated. By default, it is enough that Linux
    /// starts `init`.
    #[arg(long = "expect", value_name = "TEXT")]
    expected: Vec<String>,

    /// The maximum time of a boot, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_program(async |context| run(arguments, &context).await).await
}

async fn run(arguments: Arguments, context: &Context) -> Result<(), Report> {
    let image = PrebuiltImage::directory(&arguments.image);
    let mut profile = ProfileSpec::new(arguments.profile.clone())?;
    let architecture = match arguments.architecture {
        None => image.find_architecture().await,
        given => given,
    };
    if let Some(architecture) = architecture {
        profile = profile.with_architecture(architecture);
    }
    let builder = PrebuiltBuilder::new().with_image(arguments.profile, image)?;

    let image = builder.build(&profile, context).await?;
    let release = Renderer::builder().build()?.render_release([image])?;

    let (expected, timeout) = (arguments.expected, Duration::from_secs(arguments.timeout));
    let ipxe = arguments.ipxe;
    // The prover gives the machine the architecture of the image.
    let prover = QemuProver::new(move |_| {
        let machine = Machine::builder().timeout(timeout);
        let machine = ipxe.iter().fold(machine, MachineBuilder::ipxe);
        expected.iter().fold(machine, MachineBuilder::expect)
    });
    let publisher = Publisher::new(LocalStore::new(&arguments.publish));
    let receipt = publisher.publish_proven(&release, &prover, context).await?;
    println!("{receipt}");
    Ok(())
}
