//! `netboot secure-boot addon`: kernel parameters for one machine, signed by themselves.

use std::path::{Path, PathBuf};

use netboot_core::{Error, KernelParameter, Report};
use netboot_uki::{Addon, AddonStub, sign};
use serde_json::json;
use tempfile::TempDir;

use crate::answer::Answer;
use crate::db_options::DbOptions;
use crate::misuse::OfCommandLine;
use crate::session::Session;

/// The description of the answer.
const ANSWER: &str = "\
systemd's stub (254 or later) loads addons from the file system that the UKI was
started from: from the directory WORKER.efi.extra.d beside WORKER.efi, or from
loader/addons of the EFI system partition. A UKI that the firmware fetched by
HTTP gets none.

Prints the path of the addon.

With --json:
  file          the path of the addon
  command_line  the kernel parameters
  authenticode  the digest that its signature covers
  signer        the subject of the certificate";

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
pub(super) struct Arguments {
    /// The file to write, which must not exist. systemd loads only names that end with
    /// `.addon.efi`.
    #[arg(value_name = "OUTPUT")]
    output: PathBuf,

    /// A kernel parameter. Can be repeated.
    #[arg(long = "parameter", value_name = "PARAMETER", required = true)]
    parameters: Vec<KernelParameter>,

    /// The stub of systemd for addons, such as `addonx64.efi.stub`.
    #[arg(long, value_name = "FILE")]
    stub: PathBuf,

    /// The version of the kernel, as `uname -r` prints it. UKIs with another version ignore the
    /// addon.
    #[arg(long, value_name = "VERSION")]
    uname: Option<String>,

    #[command(flatten)]
    db: DbOptions,
}

impl Arguments {
    /// Makes the addon.
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let signer = self.db.require_signer(session)?;
        let stub = AddonStub::read(&self.stub).map_err(crate::error::Error::of_option("--stub"));
        let addon = Addon::new(stub.of_command_line()?, &self.parameters, self.uname.as_deref());
        let addon = addon.of_command_line()?;
        let parent = self.output.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let failed = |source| Error::io("create a file in", parent, source);
        let new = TempDir::with_prefix_in(".netboot-", parent).map_err(failed)?;
        let unsigned = new.path().join("unsigned.efi");
        let digest = addon.write(&unsigned, &session.context).await?;
        sign(&unsigned, &self.output, signer.as_ref(), &session.context).await?;
        let words: Vec<&str> = self.parameters.iter().map(KernelParameter::as_str).collect();
        let object = json!({
            "file": self.output,
            "command_line": words.join(" "),
            "authenticode": digest,
            "signer": signer.certificate().subject(),
        });
        Ok(Answer::new(self.output.display(), object))
    }
}
