//! Finds mistakes in iPXE scripts, for the builds of iPXE that run them.
//!
//! ```text
//! $ lint-script --build sid-efi x.ipxe
//! x.ipxe:4:1: error: `boot` does nothing and succeeds if no image is selected [nothing-selected]
//!     make sure that a `kernel` command succeeds on every path to it: `kernel … || goto failed`
//! ```
//!
//! The exit code is 0 without findings, 1 with findings, and 2 if a file cannot be read. Warnings
//! count as findings only with `--deny-warnings`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ipxe_script::{IpxeBuild, LintFinding, Severity};
use netboot_ipxe::lint_set;
use serde_json::json;

/// Find mistakes in iPXE scripts.
#[derive(Debug, Parser)]
struct Arguments {
    /// The scripts to check. They may `chain` each other: a setting of one is set in all of them.
    #[arg(required = true)]
    scripts: Vec<PathBuf>,

    /// The build of iPXE that runs the scripts, such as `bookworm`, `trixie-efi` or
    /// `ipxe-2.0-bios`. For your own build, write `@<file>` with the name of a JSON file.
    #[arg(long, value_name = "NAME", default_value = "bookworm", value_parser = build)]
    build: IpxeBuild,

    /// Print each finding as a JSON object on its own line.
    #[arg(long)]
    json: bool,

    /// Also fail if there are only warnings.
    #[arg(long)]
    deny_warnings: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut failed, mut unread) = (false, false);
    let (mut paths, mut scripts) = (Vec::new(), Vec::new());
    for path in &arguments.scripts {
        match fs::read(path) {
            Ok(script) => {
                paths.push(path.display().to_string());
                scripts.push(script);
            }
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                unread = true;
            }
        }
    }
    for (path, findings) in paths.iter().zip(lint_set(&scripts, &arguments.build)) {
        for finding in findings {
            failed |= arguments.deny_warnings || finding.severity() == Severity::Error;
            println!("{}", shown(path, &finding, arguments.json));
        }
    }
    if unread {
        return ExitCode::from(2);
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A finding on one line and its hint on the next, or both as JSON.
fn shown(path: &str, finding: &LintFinding, as_json: bool) -> String {
    if !as_json {
        return format!("{path}:{finding} [{}]\n    {}", finding.kind.code(), finding.hint());
    }
    let mut object = json!(finding);
    object["path"] = path.into();
    object["severity"] = json!(finding.severity());
    object["message"] = finding.kind.to_string().into();
    object["hint"] = finding.hint().into();
    object.to_string()
}

/// Reads a build by its name, or from a file.
fn build(text: &str) -> Result<IpxeBuild, String> {
    let Some(path) = text.strip_prefix('@') else {
        let parsed = text.parse();
        return parsed.map_err(|error: ipxe_script::Error| {
            format!("{error}: {}", error.hint().unwrap_or_default())
        });
    };
    let json = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&json).map_err(|error| error.to_string())
}
