//! A command of the caller's that signs.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use netboot_core::{Context, Sha256Digest};
use netboot_process::Command;

use crate::certificate::Certificate;
use crate::error::Error;
use crate::signer::chain::checked;
use crate::signer::pe_signer::PeSigner;

/// The greatest size of a signature in bytes: that of an RSA key of 8192 bits, and some room to
/// tell a wrong answer by.
const SIGNATURE_LIMIT: usize = 4096;

/// The time that a command has, unless the caller sets another one.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// `DigestInfo` of SHA-256, up to the digest (RFC 8017, section 9.2, note 1).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// The bytes that a command gets on its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningInput {
    /// The message. The command computes its SHA-256 digest, like
    /// `openssl dgst -sha256 -sign KEY`.
    Message,
    /// The SHA-256 digest of the message, 32 bytes, like the services of cloud providers take it,
    /// and `openssl pkeyutl -sign -pkeyopt digest:sha256`.
    Digest,
    /// `DigestInfo` of the digest, 51 bytes, which the command pads by PKCS #1 v1.5 and signs, like
    /// `pkcs11-tool --sign --mechanism RSA-PKCS`.
    DigestInfo,
}

/// Signs with a command of the caller's, which reaches a key in an HSM, in a smart card or in the
/// service of a cloud provider. The private key is never seen here.
///
/// The command gets the bytes of a [`SigningInput`] on its standard input, and writes the raw
/// signature to its standard output. It inherits the variables of
/// [`netboot_process::is_inherited`] and those that the caller names. Each signature is verified
/// before it is used. `Debug` shows no arguments, because they may hold secrets.
///
/// ```no_run
/// use netboot_uki::{Certificate, SigningCommand, SigningInput};
///
/// let certificate = Certificate::read("db.crt")?;
/// let signer = SigningCommand::new("pkcs11-tool", certificate, SigningInput::DigestInfo)
///     .args(["--module", "/usr/lib/opensc-pkcs11.so", "--login", "--pin", "env:TOKEN_PIN"])
///     .args(["--sign", "--mechanism", "RSA-PKCS", "--label", "netboot-db"])
///     .env_inherit("TOKEN_PIN");
/// # Ok::<(), netboot_uki::Error>(())
/// ```
pub struct SigningCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
    inherited: Vec<OsString>,
    time_limit: Duration,
    input: SigningInput,
    certificate: Certificate,
    chain: Vec<Certificate>,
}

impl SigningCommand {
    /// Signs with `program`, which reaches the key of `certificate`.
    pub fn new(program: impl Into<PathBuf>, certificate: Certificate, input: SigningInput) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            inherited: Vec::new(),
            time_limit: TIME_LIMIT,
            input,
            certificate,
            chain: Vec::new(),
        }
    }

    /// Adds arguments of the program.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Passes on the caller's variable `name`, such as the one with the account's credentials.
    #[must_use]
    pub fn env_inherit(mut self, name: impl Into<OsString>) -> Self {
        self.inherited.push(name.into());
        self
    }

    /// Sets the time after which the command is ended: 120 seconds unless this is called.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets the certificates of [`PeSigner::chain`]. The signer's own one is left out, so that this
    /// takes a whole chain too.
    ///
    /// # Errors
    /// [`Error::Chain`] if they are more than 8, or not in their order: each one is the issuer of
    /// the one before.
    pub fn with_chain(
        mut self,
        chain: impl IntoIterator<Item = Certificate>,
    ) -> Result<Self, Error> {
        self.chain = checked(&self.certificate, chain)?;
        Ok(self)
    }

    fn input(&self, message: &[u8]) -> Vec<u8> {
        let digest = Sha256Digest::of(message);
        match self.input {
            SigningInput::Message => message.to_vec(),
            SigningInput::Digest => digest.as_bytes().to_vec(),
            SigningInput::DigestInfo => [&DIGEST_INFO[..], digest.as_bytes()].concat(),
        }
    }
}

#[async_trait]
impl PeSigner for SigningCommand {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    async fn sign(&self, message: &[u8], context: &Context) -> Result<Vec<u8>, Error> {
        let input = self.input(message);
        let mut command = Command::new(&self.program)
            .args(self.arguments.iter().cloned())
            .output_limit(SIGNATURE_LIMIT)
            .time_limit(self.time_limit);
        command = self.inherited.iter().cloned().fold(command, Command::env_inherit);
        let finished = command.run_with_input(&input[..], context.cancellation().cancelled());
        let finished = finished.await.map_err(|error| match error {
            netboot_process::Error::Cancelled { .. } => netboot_core::Error::Cancelled.into(),
            other => Error::StartCommand { source: other },
        })?;
        if finished.status.success() {
            return Ok(finished.output);
        }
        Err(Error::Command {
            program: self.program.clone(),
            status: finished.status,
            last_lines: finished.last_lines,
        })
    }
}

impl fmt::Debug for SigningCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, input, certificate, .. } = self;
        f.debug_struct("SigningCommand")
            .field("program", program)
            .field("input", input)
            .field("certificate", certificate)
            .finish_non_exhaustive()
    }
}
