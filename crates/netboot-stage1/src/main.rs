//! The program `netboot-stage1`, which an initrd runs when its network is up.

use std::ffi::OsString;
use std::io::Write;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lexopt::prelude::*;
use netboot_closure::console::{ConsoleLine, ROW_START};
use netboot_stage1::disk_cache::worker;
use netboot_stage1::{Patience, Settings, run};

const USAGE: &str = "\
Assembles the NixOS closure that the kernel command line names.

Usage: netboot-stage1 --into DIRECTORY [options]

Options:
  --into DIRECTORY       where store paths are put, such as /sysroot/nix/.ro-store
  --mount                mount a tmpfs over the directory
  --delay SECONDS        the time to wait after a failure, for people to read it (default: 30)
  --patience SECONDS     how long to go on without progress (default: 120)
  --disk-wait SECONDS    how long to wait for the disk of netboot.store=disk (default: 15)
  --report-wait SECONDS  how long the last reports may take to leave (default: 2)
  --connections NUMBER   the number of connections, from 1 to 8 (default: 4)
  --command-line FILE    the kernel command line (default: /proc/cmdline)
  --memory FILE          says how much memory is available (default: /proc/meminfo)
  --interfaces DIRECTORY the network interfaces (default: /sys/class/net)
  --help, --version      print this text or the version
";

/// The exit status after a failure of the boot, and after wrong arguments.
const FAILED: u8 = 1;
const WRONG_ARGUMENTS: u8 = 2;

enum Command {
    Run { settings: Settings, delay: Duration },
    Print(&'static str),
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == worker::ARGUMENT
    {
        return worker::run(rest).map_or(ExitCode::from(FAILED), |()| ExitCode::SUCCESS);
    }
    match parse(arguments.into_iter()) {
        Ok(Command::Print(text)) => {
            print(text);
            ExitCode::SUCCESS
        }
        Ok(Command::Run { settings, delay }) => {
            if run(&settings, Arc::new(|line: &ConsoleLine| tell(line))).is_ok() {
                return ExitCode::SUCCESS;
            }
            std::thread::sleep(delay);
            ExitCode::from(FAILED)
        }
        Err(error) => {
            print(&format!("netboot-stage1: {error}\n\n{USAGE}"));
            ExitCode::from(WRONG_ARGUMENTS)
        }
    }
}

fn tell(line: &ConsoleLine) {
    match line {
        ConsoleLine::Failed { failure } => {
            let hint = failure.hint();
            print(&format!("{ROW_START}{line}\n{ROW_START}What to do: {hint}.\n"));
        }
        line => print(&format!("{ROW_START}{line}\n")),
    }
}

/// Prints a text at once. A console that is closed does not stop the boot.
fn print(text: &str) {
    let mut console = std::io::stdout().lock();
    let _ = console.write_all(text.as_bytes()).and_then(|()| console.flush());
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut settings = Settings::new("");
    settings.disk_cache_worker = Some("/proc/self/exe".into());
    let mut delay = Duration::from_secs(30);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("into") => settings.into = parser.value()?.into(),
            Long("mount") => settings.mount = true,
            Long("delay") => delay = Duration::from_secs(parser.value()?.parse()?),
            Long("disk-wait") => {
                settings.disk_wait = Duration::from_secs(parser.value()?.parse()?);
            }
            Long("report-wait") => {
                settings.report_wait = Duration::from_secs(parser.value()?.parse()?);
            }
            Long("patience") => {
                let seconds: NonZero<u32> = parser.value()?.parse()?;
                settings.patience = Patience::new(Duration::from_secs(seconds.get().into()));
            }
            Long("connections") => {
                let in_range = |text: &str| {
                    text.parse().ok().filter(|count: &NonZero<usize>| count.get() <= 8).ok_or(RANGE)
                };
                settings.connections = parser.value()?.parse_with(in_range)?;
            }
            Long("command-line") => settings.command_line = parser.value()?.into(),
            Long("memory") => settings.memory = parser.value()?.into(),
            Long("interfaces") => settings.interfaces = parser.value()?.into(),
            Long("help") => return Ok(Command::Print(USAGE)),
            Long("version") => return Ok(Command::Print(VERSION)),
            argument => return Err(argument.unexpected()),
        }
    }
    if settings.into.as_os_str().is_empty() {
        return Err("the option --into is missing".into());
    }
    Ok(Command::Run { settings, delay })
}

const RANGE: &str = "it is not a number from 1 to 8";
const VERSION: &str = concat!("netboot-stage1 ", env!("CARGO_PKG_VERSION"), "\n");
