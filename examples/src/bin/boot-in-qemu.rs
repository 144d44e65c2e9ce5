//! Boots built or published images in a virtual machine, and reports how far they came.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use netboot_core::{Context, ProfileName, Report};
use netboot_examples::{Progress, Signals};
use netboot_qemu::{DirectoryServer, Firmware, Machine, NetworkAccess};
use url::Url;

/// Boot a directory or a URL in QEMU and watch the serial console.
#[derive(Debug, Parser)]
struct Arguments {
    /// A directory that `netboot build` wrote or published to, or the URL of an iPXE script.
    #[arg(value_name = "DIR|URL")]
    source: String,

    /// The profile to boot, if the directory has several.
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,

    /// The firmware of the virtual machine.
    #[arg(long, value_enum, default_value = "bios")]
    firmware: FirmwareChoice,

    /// A text that the console must show. Can be repeated.
    #[arg(long = "expect", value_name = "TEXT")]
    expected: Vec<String>,

    /// The memory of the virtual machine, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: u32,

    /// The maximum time of the boot, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u64,

    /// Let the machine reach everything that this computer reaches, instead of only the web server
    /// of its URL. The image may then report to a production service, or join a cluster.
    #[arg(long)]
    network: bool,

    /// Print a report in JSON at the end, instead of the console during the boot.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FirmwareChoice {
    Bios,
    Uefi,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let progress = Progress::new(!arguments.json);
    let signals = Signals::watch(&progress);
    match run(&arguments, progress, &signals).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("{}", report.in_full());
            ExitCode::from(signals.exit_code())
        }
    }
}

async fn run(arguments: &Arguments, progress: Progress, signals: &Signals) -> Result<(), Report> {
    let path = Path::new(&arguments.source);
    // The server runs until the end of this function.
    let (url, _server) = if path.is_dir() {
        let script = find_script(path, arguments.profile.as_ref())?;
        let server = DirectoryServer::start(path).await?;
        (server.url(&script), Some(server))
    } else {
        let url = Url::parse(&arguments.source).map_err(|error| {
            let message = format!("`{}` is neither a directory nor a URL: {error}", path.display());
            Report::message(message, "give a directory of images or the URL of an iPXE script")
        })?;
        (url, None)
    };

    let firmware = match arguments.firmware {
        FirmwareChoice::Bios => Firmware::Bios,
        FirmwareChoice::Uefi => Firmware::Uefi,
    };
    let mut machine = Machine::builder()
        .firmware(firmware)
        .memory_mib(arguments.memory)
        .timeout(Duration::from_secs(arguments.timeout));
    if arguments.network {
        machine = machine.network_access(NetworkAccess::Unrestricted);
    }
    for text in &arguments.expected {
        machine = machine.expect(text);
    }
    let context = Context::new().with_events(progress).with_cancellation(signals.cancellation());
    let report = machine.build()?.boot(&url, &context).await?;
    if arguments.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&report).map_err(|error| {
                Report::message(
                    format!("the report cannot be printed: {error}"),
                    "leave out --json",
                )
            })?
        );
    } else {
        println!("{report}");
    }
    report.ensure_success()?;
    Ok(())
}

/// The script to boot from: that of the profile, or that of the directory.
fn find_script(directory: &Path, profile: Option<&ProfileName>) -> Result<String, Report> {
    let candidates: Vec<String> = match profile {
        Some(profile) => vec![format!("{profile}/netboot.ipxe")],
        None => vec!["netboot.ipxe".to_owned(), "boot.ipxe".to_owned()],
    };
    candidates
        .iter()
        .find(|script| directory.join(PathBuf::from(script)).is_file())
        .cloned()
        .ok_or_else(|| {
            Report::message(
                format!("`{}` has no {}", directory.display(), candidates.join(" or ")),
                "give a directory that netboot build wrote or published to, and name one of its \
                 profiles with --profile",
            )
        })
}
