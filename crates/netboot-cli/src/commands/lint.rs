//! `netboot lint`: mistakes in iPXE scripts, for the builds of iPXE that run them.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use ipxe_script::{IpxeBuild, LintFinding, Severity};
use netboot_core::Report;
use netboot_ipxe::lint_set;
use serde_json::{Value, json};

use crate::answer::{Answer, FAILED, FOUND};
use crate::session::Session;

/// The description of the object that `--json` prints.
const AFTER: &str = "\
The exit code is 3 if there are errors, or warnings with --deny-warnings, and 1 if a file cannot be
read. The other files are checked in any case.

With --json:
  errors    the number of errors
  warnings  the number of warnings
  findings  the findings. Each has path, line, column, severity, code, message
            and hint
  unread    the files that cannot be read";

#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub(crate) struct Arguments {
    /// The scripts to check. They may chain each other: a setting of one is set in all of them.
    #[arg(required = true, value_name = "FILE")]
    scripts: Vec<PathBuf>,

    /// The build of iPXE that runs the scripts, such as bookworm, trixie-efi or ipxe-2.0-bios. For
    /// your own build, write @FILE with a JSON file.
    #[arg(long, value_name = "NAME", default_value = "bookworm", value_parser = build)]
    build: IpxeBuild,

    /// Count warnings as errors for the exit code.
    #[arg(long)]
    deny_warnings: bool,
}

impl Arguments {
    /// Checks the scripts together. A script that cannot be read does not keep the others from it.
    pub(crate) fn run(self, session: &Session) -> Answer {
        let (mut paths, mut scripts, mut unread) = (Vec::new(), Vec::new(), Vec::new());
        for path in &self.scripts {
            match fs::read(path) {
                Ok(script) => {
                    paths.push(path);
                    scripts.push(script);
                }
                Err(source) => {
                    let report = Report::from(netboot_core::Error::io("read", path, source));
                    session.progress.line(&report.in_full());
                    unread.push(path.display().to_string());
                }
            }
        }
        let (mut lines, mut objects, mut errors) = (Vec::new(), Vec::new(), 0);
        for (path, findings) in paths.into_iter().zip(lint_set(&scripts, &self.build)) {
            let path = path.display().to_string();
            for finding in findings {
                errors += usize::from(finding.severity() == Severity::Error);
                let (code, hint) = (finding.kind.code(), finding.hint());
                lines.push(format!("{path}:{finding} [{code}]\n    {hint}"));
                objects.push(object(&path, &finding));
            }
        }
        let warnings = objects.len() - errors;
        let fails = errors > 0 || self.deny_warnings && warnings > 0;
        let exit_code = match (unread.is_empty(), fails) {
            (false, _) => FAILED,
            (true, true) => FOUND,
            (true, false) => 0,
        };
        let object = json!({
            "errors": errors,
            "warnings": warnings,
            "findings": objects,
            "unread": unread,
        });
        Answer::new(lines.join("\n"), object).with_exit_code(exit_code)
    }
}

fn object(path: &str, finding: &LintFinding) -> Value {
    let mut object = json!(finding);
    object["path"] = path.into();
    object["severity"] = json!(finding.severity());
    object["message"] = finding.kind.to_string().into();
    object["hint"] = finding.hint().into();
    object
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
