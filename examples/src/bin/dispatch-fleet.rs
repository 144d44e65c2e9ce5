//! Publishes an image for the machines of a list. Each machine is recognised by its MAC address,
//! UUID, serial number or asset tag, and may have its own kernel parameters.
//!
//! The list is JSON:
//! ```json
//! [
//!   { "name": "node-1", "keys": [{ "mac": "52:54:00:00:00:01" }],
//!     "parameters": ["systemd.hostname=node-1"] },
//!   { "name": "node-2", "keys": [{ "serial": "SN 7" }, { "asset-tag": "R3-17" }] }
//! ]
//! ```

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use netboot_core::{
    Builder, Context, KernelParameter, PrebuiltBuilder, PrebuiltImage, ProfileName, ProfileSpec,
    Report, counted,
};
use netboot_examples::run_program;
use netboot_ipxe::{Assignment, Fleet, MachineKey, MachineName, Renderer, UnknownMachine};
use netboot_publish::{LocalStore, Publisher};
use serde::Deserialize;

/// Publish an image for a list of machines.
#[derive(Debug, Parser)]
struct Arguments {
    /// A directory with a kernel, an initrd, and either `init` and `kernel-params` or
    /// `netboot.ipxe`.
    image: PathBuf,

    /// The list of machines: a JSON file.
    #[arg(long, value_name = "FILE")]
    machines: PathBuf,

    /// The image that machines that are not in the list boot.
    #[arg(long, value_enum, default_value_t = Unknown::Refuse)]
    unknown: Unknown,

    /// The profile name under which the image is published.
    #[arg(long, value_name = "NAME", default_value = "worker")]
    profile: ProfileName,

    /// The directory to publish to.
    #[arg(long, value_name = "DIR")]
    publish: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Unknown {
    /// A menu.
    Menu,
    /// Their local disk.
    LocalDisk,
    /// Nothing.
    Refuse,
}

/// A machine of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedMachine {
    name: MachineName,
    keys: Vec<MachineKey>,
    #[serde(default)]
    parameters: Vec<KernelParameter>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_program(async |context| run(&arguments, &context).await).await
}

async fn run(arguments: &Arguments, context: &Context) -> Result<(), Report> {
    let fleet = read_fleet(arguments)?;
    let profile = ProfileSpec::new(arguments.profile.clone())?;
    let builder = PrebuiltBuilder::new()
        .with_image(arguments.profile.clone(), PrebuiltImage::directory(&arguments.image))?;
    let image = builder.build(&profile, context).await?;

    let machines = fleet.assignments().len();
    let release = Renderer::builder().fleet(fleet).build()?.render_release([image])?;
    let publisher = Publisher::new(LocalStore::new(&arguments.publish));
    let receipt = publisher.publish(&release, context).await?;
    println!("{receipt}");
    let verb = if machines == 1 { "boots" } else { "boot" };
    let machines = counted(machines, "machine");
    println!("{machines} {verb} {} by boot.ipxe", arguments.profile);
    Ok(())
}

fn read_fleet(arguments: &Arguments) -> Result<Fleet, Report> {
    let path = &arguments.machines;
    let failure = |error: &dyn std::fmt::Display| {
        let hint = "give a JSON list of objects with `name`, `keys` and `parameters`";
        Report::message(format!("{} is not a list of machines: {error}", path.display()), hint)
    };
    let text = std::fs::read_to_string(path).map_err(|error| failure(&error))?;
    let listed: Vec<ListedMachine> =
        serde_json::from_str(&text).map_err(|error| failure(&error))?;
    let unknown = match arguments.unknown {
        Unknown::Menu => UnknownMachine::Menu,
        Unknown::LocalDisk => UnknownMachine::LocalDisk,
        Unknown::Refuse => UnknownMachine::Refuse,
    };
    let assignments = listed.into_iter().map(|machine| {
        let assignment = Assignment::new(machine.name, arguments.profile.clone())?;
        let assignment = machine.keys.into_iter().fold(assignment, Assignment::with_key);
        let mut parameters = machine.parameters.into_iter();
        Ok(parameters.try_fold(assignment, Assignment::with_kernel_parameter)?)
    });
    let assignments = assignments.collect::<Result<Vec<_>, netboot_ipxe::Error>>()?;
    Ok(Fleet::builder(unknown).assignments(assignments).build()?)
}
