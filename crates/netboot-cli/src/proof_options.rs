//! The options of commands that boot images before they go live.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use netboot_core::{Architecture, Report};
use netboot_publish::Prover;
use netboot_qemu::FirmwareKeys;

use crate::misuse::OfCommandLine;
use crate::session::Session;

/// The options of commands that boot images before they go live.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Proof")]
pub(crate) struct ProofOptions {
    /// Boot the images in QEMU from where they are staged. The release goes live only if each of
    /// them comes up.
    #[arg(long)]
    prove: bool,

    /// A text that the console of each image has to show. Can be repeated. The default is
    /// `[proof]` of netboot.toml; otherwise it is enough that Linux starts `init`.
    #[arg(long = "expect", value_name = "TEXT", requires = "prove")]
    expected: Vec<String>,

    /// The maximum time of a boot, in seconds. The default is `[proof]` of netboot.toml, or 600.
    #[arg(long, value_name = "SECONDS", requires = "prove")]
    boot_timeout: Option<u64>,

    /// Boot the UKI of each image with Secure Boot. The directory has the certificates that the
    /// firmware trusts: `db.esl` or `db.crt`, and also `KEK` and `PK` if they are there. The
    /// default is `[proof]` of netboot.toml; otherwise iPXE boots the images without Secure Boot.
    #[arg(long, value_name = "DIR", requires = "prove")]
    secure_boot_keys: Option<PathBuf>,
}

impl ProofOptions {
    /// True if the images have to be booted.
    pub(crate) fn is_given(&self) -> bool {
        self.prove
    }

    /// The prover, if the images have to be booted.
    ///
    /// # Errors
    /// If there is no virtual machine to boot them in.
    pub(crate) fn prover(&self, session: &Session) -> Result<Option<Arc<dyn Prover>>, Report> {
        if !self.prove {
            return Ok(None);
        }
        let mut proof = session.configuration()?.proof.clone();
        if !self.expected.is_empty() {
            proof.expect.clone_from(&self.expected);
        }
        if let Some(seconds) = self.boot_timeout {
            proof.timeout_seconds = seconds;
        }
        if let Some(keys) = &self.secure_boot_keys {
            proof.secure_boot_keys = Some(keys.clone());
        }
        proof.machine(Architecture::X86_64).build().of_command_line()?;
        if let Some(keys) = &proof.secure_boot_keys {
            // Keys that cannot be used are found before anything is sent.
            FirmwareKeys::read(keys).of_command_line()?;
        }
        Ok(Some(Arc::new(proof.prover())))
    }
}
