//! `netboot lint`: mistakes in iPXE scripts, for the builds of iPXE that run them.

mod findings;
mod source;

use std::path::PathBuf;

use clap::Args;
use ipxe_script::{IpxeBuild, Linter, SignedPrograms};
use netboot_core::Report;
use netboot_ipxe::lint_set;
use serde_json::json;

use self::findings::{AFTER, add_text, is_error, objects, without_followers};
use self::source::{standard_input, text_of};
use crate::answer::{Answer, FAILED, FOUND};
use crate::failure::failure_object;
use crate::session::Session;

#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub(crate) struct Arguments {
    /// The scripts to check; `-` is standard input. They may chain each other: a setting of one is
    /// set in all of them.
    #[arg(required = true, value_name = "FILE")]
    scripts: Vec<PathBuf>,

    /// The build of iPXE that runs the scripts, such as bookworm, trixie-efi or ipxe-2.0-bios. For
    /// your own build, write @FILE with a JSON file.
    #[arg(long, value_name = "NAME", default_value = "bookworm", value_parser = build)]
    build: IpxeBuild,

    /// The machines have Secure Boot: their firmware starts only programs that one of its keys
    /// signed.
    #[arg(long)]
    secure_boot: bool,

    /// A UKI that is signed, by its URL in the script or by its file name. You can give this option
    /// several times.
    #[arg(long, value_name = "NAME", requires = "secure_boot")]
    uki: Vec<String>,

    /// Another program that is signed, such as a kernel or a shim. You can give this option several
    /// times.
    #[arg(long, value_name = "NAME", requires = "secure_boot")]
    signed: Vec<String>,

    /// Count warnings as errors for the exit code.
    #[arg(long)]
    deny_warnings: bool,
}

impl Arguments {
    /// Checks the scripts together. A script that cannot be read does not keep the others from it.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let input = standard_input(&self.scripts, session).await?;
        let (mut paths, mut scripts, mut unread) = (Vec::new(), Vec::new(), Vec::new());
        for path in &self.scripts {
            match text_of(path, input.as_ref()) {
                Ok(script) => {
                    paths.push(path.display().to_string());
                    scripts.push(script);
                }
                Err(report) => {
                    session.progress.line(&report.in_full());
                    let mut object = failure_object(&report);
                    object["path"] = path.display().to_string().into();
                    unread.push(object);
                }
            }
        }
        let (mut text, mut all, mut errors) = (String::new(), Vec::new(), 0);
        for (path, findings) in paths.iter().zip(lint_set(&scripts, &self.linter())) {
            let findings = without_followers(findings);
            errors += findings.iter().filter(|finding| is_error(finding)).count();
            add_text(&mut text, path, &findings);
            all.extend(objects(path, &findings));
        }
        let warnings = all.len() - errors;
        let fails = errors > 0 || self.deny_warnings && warnings > 0;
        let exit_code = match (unread.is_empty(), fails) {
            (false, _) => FAILED,
            (true, true) => FOUND,
            (true, false) => 0,
        };
        let object = json!({
            "errors": errors,
            "warnings": warnings,
            "findings": all,
            "unread": unread,
        });
        Ok(Answer::new(text, object).with_exit_code(exit_code))
    }

    fn linter(&self) -> Linter {
        let linter = Linter::new(&self.build);
        if !self.secure_boot {
            return linter;
        }
        let signed = self.signed.iter().fold(SignedPrograms::new(), SignedPrograms::with_program);
        linter.with_secure_boot(self.uki.iter().fold(signed, SignedPrograms::with_uki))
    }
}

/// Reads a build by its name, or from a file.
fn build(text: &str) -> Result<IpxeBuild, String> {
    let Some(path) = text.strip_prefix('@') else {
        let parsed = text.parse();
        return parsed.map_err(|error: ipxe_script::Error| {
            format!("{error}: {}", error.hint().unwrap_or_default())
        });
    };
    let json = std::fs::read_to_string(path)
        .map_err(|error| format!("the file `{path}` cannot be read: {error}"))?;
    serde_json::from_str(&json).map_err(|error| format!("the file `{path}` has no build: {error}"))
}
