//! `netboot secure-boot sign`: signing EFI programs.

use std::path::PathBuf;

use netboot_core::{Report, blocking};
use netboot_uki::{EfiProgram, sign};
use serde_json::json;

use crate::answer::Answer;
use crate::db_options::DbOptions;
use crate::session::Session;

/// The description of the answer.
const ANSWER: &str = "\
Signatures that the program already has stay. Prints the path of the signed
program.

With --json:
  file          the path of the signed program
  authenticode  the digest that its signatures cover
  signatures    the number of its signatures
  signer        the subject of the certificate";

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
pub(super) struct Arguments {
    /// The EFI program, such as iPXE's `ipxe.efi`.
    #[arg(value_name = "INPUT")]
    input: PathBuf,

    /// The file to write, which must not exist.
    #[arg(value_name = "OUTPUT")]
    output: PathBuf,

    #[command(flatten)]
    db: DbOptions,
}

impl Arguments {
    /// Signs the program.
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let signer = self.db.require_signer(session)?;
        sign(&self.input, &self.output, signer.as_ref(), &session.context).await?;
        let path = self.output.clone();
        let program = blocking(move || EfiProgram::open(path)).await?;
        let object = json!({
            "file": self.output,
            "authenticode": program.sha256(),
            "signatures": program.signature_count(),
            "signer": signer.certificate().subject(),
        });
        Ok(Answer::new(self.output.display(), object))
    }
}
