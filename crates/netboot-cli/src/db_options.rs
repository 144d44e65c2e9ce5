//! The options for the key that signs programs for Secure Boot.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use netboot_core::Report;
use netboot_uki::{KeyFile, PeSigner};

use crate::error::Error;
use crate::misuse::{Misuse, OfCommandLine};
use crate::session::Session;

/// The key that signs programs for machines with Secure Boot, and its certificate.
#[derive(Debug, Clone, Args)]
pub(crate) struct DbOptions {
    /// The private key, in PEM, that signs for machines with Secure Boot. The default is the key or
    /// the command of `[secure-boot]` of netboot.toml.
    #[arg(long, value_name = "FILE", requires = "db_certificate")]
    db_key: Option<PathBuf>,

    /// The certificate of `--db-key`, in PEM or DER, which the firmware of machines has in `db`.
    #[arg(long, value_name = "FILE", requires = "db_key")]
    db_certificate: Option<PathBuf>,
}

impl DbOptions {
    /// True if these options are on the command line.
    pub(crate) fn is_given(&self) -> bool {
        self.db_key.is_some()
    }

    /// The key of the command line, or that of netboot.toml.
    ///
    /// # Errors
    /// If a file cannot be read, or is no such key.
    pub(crate) fn signer(&self, session: &Session) -> Result<Option<Arc<dyn PeSigner>>, Report> {
        let (Some(key), Some(certificate)) = (&self.db_key, &self.db_certificate) else {
            return Ok(session.configuration()?.secure_boot_signer()?);
        };
        let key = KeyFile::read(key, certificate).map_err(Error::of_option("--db-key"));
        Ok(Some(Arc::new(key.of_command_line()?)))
    }

    /// Like [`signer`](Self::signer), for a command that always signs.
    ///
    /// # Errors
    /// The errors of [`signer`](Self::signer), and if there is no key.
    pub(crate) fn require_signer(&self, session: &Session) -> Result<Arc<dyn PeSigner>, Report> {
        self.signer(session)?.ok_or_else(|| {
            Misuse::report(
                "there is no key to sign with",
                "name it with `--db-key FILE --db-certificate FILE`, or in `[secure-boot]` of \
                 netboot.toml",
            )
        })
    }
}
