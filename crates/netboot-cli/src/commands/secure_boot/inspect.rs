//! `netboot secure-boot inspect`: the parts and the signers of an EFI program.

use std::fmt::Write as _;
use std::path::PathBuf;

use bytesize::ByteSize;
use netboot_core::{BackendError as _, Report, blocking};
use netboot_uki::{Certificate, EfiProgram, Error, SignatureProblem, UkiFile};
use serde_json::{Value, json};

use crate::answer::{Answer, FOUND};
use crate::misuse::OfCommandLine;
use crate::published_target::until_cancelled;
use crate::session::Session;

/// The section by which a UKI differs from other EFI programs.
const KERNEL: &str = ".linux";

/// The description of the answer.
const ANSWER: &str = "\
A signer is the subject of the certificate in a signature that is right for the
program. Anybody can choose a subject: give the certificate that you trust with
--db-certificate. The exit code is 3 if none of these verifies the program.

With --json:
  file          the file, as it was written
  kind          uki or program
  architecture  the architecture of the machines that run it
  size_bytes    its size
  authenticode  the digest that signatures cover
  sections      its sections. Each has:
    name        its name
    bytes       its size
  command_line  the kernel command line of a UKI, or null
  os_release    the content of os-release in a UKI, or null
  uname         the version of the kernel that a UKI states, or null
  signatures    its signatures. Each has:
    signer       the subject of the certificate, or null if it does not count
    certificate  the digest of the certificate, or null
    problem      why it does not count, or null
  trusted       true if a given certificate verifies it, false if none does, or
                null if none was given
  problem       why no given certificate verifies it, or null";

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
pub(super) struct Arguments {
    /// The EFI program: a UKI, an addon, iPXE, or a kernel.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// A certificate that the firmware of the machines has in `db`, in PEM or DER. Can be repeated.
    #[arg(long = "db-certificate", value_name = "FILE")]
    certificates: Vec<PathBuf>,
}

/// The file that was read.
struct Inspected {
    program: EfiProgram,
    uki: Option<UkiFile>,
}

impl Arguments {
    /// Reads the program, and tells what it has.
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let trusted =
            self.certificates.iter().map(Certificate::read).collect::<Result<Vec<_>, _>>();
        let trusted = trusted
            .map_err(crate::error::Error::of_option("--db-certificate"))
            .of_command_line()?;
        let path = self.file.clone();
        let reading = blocking(move || {
            let program = EfiProgram::open(&path)?;
            let is_uki = program.section(KERNEL).is_some();
            let uki = if is_uki { Some(UkiFile::open(&path)?) } else { None };
            Ok::<_, Error>(Inspected { program, uki })
        });
        let Inspected { program, uki } = until_cancelled(session, reading).await?;
        let signers = program.signers();
        let verified = (!trusted.is_empty()).then(|| program.verify(&trusted));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let kind = if uki.is_some() { "uki" } else { "program" };
        let shown = if uki.is_some() { "UKI" } else { "EFI program" };
        let _ = writeln!(text, "{shown} for {}", program.architecture());
        let _ = writeln!(text, "digest for signatures: {}", program.sha256());
        for section in program.sections() {
            let size = ByteSize::b(section.size.into()).display().iec();
            let _ = writeln!(text, "section {}: {size}", section.name);
        }
        if let Some(uki) = &uki {
            let parts = [("uname", uki.uname()), ("command line", uki.command_line())];
            for (name, content) in parts.into_iter().chain([("os-release", uki.os_release())]) {
                if let Some(content) = content {
                    let _ = writeln!(text, "{name}: {content}");
                }
            }
        }
        if signers.is_empty() {
            text.push_str("not signed\n");
        }
        for signer in &signers {
            let _ = match signer {
                Ok(certificate) => writeln!(text, "signed by {}", certificate.subject()),
                Err(problem) => writeln!(text, "a signature does not count: {problem}"),
            };
        }
        let problem = match &verified {
            Some(Err(error)) => {
                let hint = error.hint().unwrap_or_default();
                let _ = writeln!(text, "not trusted: {}\n  what to do: {hint}", reason(error));
                Some(reason(error))
            }
            Some(Ok(certificate)) => {
                let _ = writeln!(text, "trusted: verified by {}", certificate.subject());
                None
            }
            None => None,
        };
        let sections = program.sections().iter();
        let sections: Vec<Value> = sections
            .map(|section| json!({ "name": section.name, "bytes": section.size }))
            .collect();
        let object = json!({
            "file": self.file,
            "kind": kind,
            "architecture": program.architecture(),
            "size_bytes": program.size(),
            "authenticode": program.sha256(),
            "sections": sections,
            "command_line": uki.as_ref().and_then(UkiFile::command_line),
            "os_release": uki.as_ref().and_then(UkiFile::os_release),
            "uname": uki.as_ref().and_then(UkiFile::uname),
            "signatures": signers.iter().map(signature).collect::<Vec<_>>(),
            "trusted": verified.as_ref().map(Result::is_ok),
            "problem": problem,
        });
        let answer = Answer::new(text.trim_end(), object);
        Ok(match verified {
            Some(Err(_)) => answer.with_exit_code(FOUND),
            _ => answer,
        })
    }
}

fn reason(error: &Error) -> String {
    match error {
        Error::Untrusted { problem, .. } => problem.to_string(),
        other => other.to_string(),
    }
}

fn signature(signer: &Result<Certificate, SignatureProblem>) -> Value {
    let certificate = signer.as_ref().ok();
    json!({
        "signer": certificate.map(Certificate::subject),
        "certificate": certificate.map(Certificate::sha256),
        "problem": signer.as_ref().err().map(ToString::to_string),
    })
}
