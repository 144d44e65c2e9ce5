//! The table `[secure-boot]`.

use std::path::PathBuf;
use std::sync::Arc;

use netboot_core::BackendError;
use netboot_uki::{Certificate, KeyFile, PeSigner, SigningCommand, SigningInput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::problem::Problem;

/// The table `[secure-boot]`: who signs the UKIs of images for machines with Secure Boot. With this
/// table, `netboot build` and `netboot publish` give each image a UKI.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct SecureBootSection {
    /// The certificate in PEM or DER, which the firmware of machines has in `db`. It is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The file of the private key in PEM that belongs to the certificate. It or `command` is
    /// required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The program and the arguments of a command that signs in place of `key`, for example with an
    /// HSM. It reads its standard input, and writes the raw RSA signature to its standard output.
    pub command: Vec<String>,
    /// The input of the command: the `message`, its SHA-256 `digest`, or `digest-info`, which is
    /// the digest with the name of its algorithm.
    pub command_input: CommandInput,
    /// The environment variables that the command gets besides the usual ones, such as the one with
    /// a PIN.
    pub command_variables: Vec<String>,
    /// The files of systemd's stubs, at most one for each architecture. Without any, the build
    /// takes those of the configurations' own systemd.
    pub stubs: Vec<PathBuf>,
    /// The `http://` URL from which the machines of a UKI fetch closures. It serves the target. The
    /// default is that of `--closure-url`.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closure_url: Option<Url>,
}

/// The bytes that a signing command gets on its standard input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CommandInput {
    /// The message.
    #[default]
    Message,
    /// The SHA-256 digest of the message.
    Digest,
    /// The digest with the name of its algorithm.
    DigestInfo,
}

impl SecureBootSection {
    /// Refuses a table that does not say who signs. It reads no file.
    fn check(&self) -> Result<(), Problem> {
        if self.certificate.is_none() {
            let hint = "write the file of the certificate that the firmware of machines has in db";
            return Err(Problem::new("secure-boot.certificate", "it is missing", hint));
        }
        if self.key.is_some() != self.command.is_empty() {
            let hint = "write key, the file of the private key, or command, the words of a command \
                        that signs";
            return Err(Problem::new("secure-boot", "it needs either key or command", hint));
        }
        Ok(())
    }

    /// Reads the certificate and the key.
    pub(super) fn signer(&self) -> Result<Arc<dyn PeSigner>, Problem> {
        self.check()?;
        let of = |key: &'static str| {
            move |error: netboot_uki::Error| Problem::of(key, &error, error.hint())
        };
        let certificate = self.certificate.clone().unwrap_or_default();
        if let Some(key) = &self.key {
            let signer = KeyFile::read(key, certificate).map_err(of("secure-boot.key"))?;
            return Ok(Arc::new(signer));
        }
        let certificate = Certificate::read(certificate).map_err(of("secure-boot.certificate"))?;
        let input = match self.command_input {
            CommandInput::Message => SigningInput::Message,
            CommandInput::Digest => SigningInput::Digest,
            CommandInput::DigestInfo => SigningInput::DigestInfo,
        };
        let mut words = self.command.iter();
        let program = words.next().cloned().unwrap_or_default();
        let signer = SigningCommand::new(program, certificate, input).args(words);
        let variables = self.command_variables.iter();
        Ok(Arc::new(variables.fold(signer, SigningCommand::env_inherit)))
    }
}
