//! Signs with the program `openssl`.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use netboot_core::{Artifact, Context};
use netboot_process::Command;

use crate::error::Error;
use crate::signing::signer::Signer;

/// The environment variable that gives `openssl` the passphrase.
const PASSPHRASE_VARIABLE: &str = "NETBOOT_SIGNING_PASSPHRASE";

/// The variables of the caller that tell `openssl` where its configuration and its modules are, for
/// keys in an HSM.
const OF_OPENSSL: [&str; 5] =
    ["OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES", "PKCS11_MODULE_PATH", "SOFTHSM2_CONF"];

/// Signs with a key and a certificate in PEM files, using the program `openssl` (1.1 or later). The
/// program supports all keys that iPXE was tested with, including those of an HSM.
pub struct OpensslSigner {
    program: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    authority: PathBuf,
    passphrase: Option<String>,
}

impl OpensslSigner {
    /// Creates a signer with this certificate and its key. `authority` has the certificates from
    /// the issuer of the signer's certificate up to the one that iPXE trusts, which is included:
    /// `imgverify` looks for them in the signature.
    ///
    /// # Errors
    /// [`Error::NotForCodeSigning`] for a certificate that iPXE would refuse,
    /// [`Error::StartProgram`] without `openssl`, and [`Error::Program`] if it cannot read the
    /// certificate.
    pub async fn open(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
        authority: impl Into<PathBuf>,
    ) -> Result<Self, Error> {
        let signer = Self {
            program: PathBuf::from("openssl"),
            certificate: certificate.into(),
            key: key.into(),
            authority: authority.into(),
            passphrase: None,
        };
        let certificate = signer.certificate.clone();
        let arguments = [
            "x509".into(),
            "-noout".into(),
            "-ext".into(),
            "keyUsage,extendedKeyUsage".into(),
            "-in".into(),
            certificate.clone().into_os_string(),
        ];
        let text = signer.run(&arguments, None, &Context::new()).await?;
        let text = String::from_utf8_lossy(&text);
        // `cms.c` of iPXE asks for both.
        if ["Digital Signature", "Code Signing"].iter().all(|usage| text.contains(usage)) {
            Ok(signer)
        } else {
            Err(Error::NotForCodeSigning { certificate })
        }
    }

    /// Sets the passphrase of the key. `openssl` gets it in its environment, which only this user
    /// and root can read.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: impl Into<String>) -> Self {
        self.passphrase = Some(passphrase.into());
        self
    }

    /// Runs `openssl` with an artifact as its input, and returns its output.
    async fn run(
        &self,
        arguments: &[OsString],
        input: Option<&dyn Artifact>,
        context: &Context,
    ) -> Result<Vec<u8>, Error> {
        let mut command = Command::new(&self.program).args(arguments.iter().cloned());
        command = OF_OPENSSL.into_iter().fold(command, Command::env_inherit);
        if let Some(passphrase) = &self.passphrase {
            command = command.env(PASSPHRASE_VARIABLE, passphrase);
        }
        let cancelled = context.cancellation().cancelled();
        let finished = match input {
            Some(artifact) => command.run_with_input(artifact.open().await?, cancelled).await,
            None => command.run(cancelled).await,
        };
        let finished = finished.map_err(|error| match error {
            netboot_process::Error::Cancelled { .. } => netboot_core::Error::Cancelled.into(),
            netboot_process::Error::Input { source, .. } => {
                let path = input.map(|artifact| artifact.file_name().as_str().into());
                let path = path.unwrap_or_default();
                netboot_core::Error::Io { action: "read", path, source }.into()
            }
            other => Error::StartProgram { program: self.program.clone(), source: other.into() },
        })?;
        if finished.status.success() {
            return Ok(finished.output);
        }
        Err(Error::Program {
            program: self.program.clone(),
            arguments: arguments.iter().map(|one| one.to_string_lossy().into_owned()).collect(),
            status: finished.status,
            last_lines: finished.last_lines,
        })
    }
}

#[async_trait]
impl Signer for OpensslSigner {
    async fn sign(&self, artifact: &dyn Artifact, context: &Context) -> Result<Vec<u8>, Error> {
        let path = |path: &PathBuf| path.clone().into_os_string();
        let mut arguments: Vec<OsString> =
            ["cms", "-sign", "-binary", "-noattr", "-md", "sha256", "-outform", "DER"]
                .map(Into::into)
                .into();
        for (option, file) in
            [("-signer", &self.certificate), ("-inkey", &self.key), ("-certfile", &self.authority)]
        {
            arguments.extend([option.into(), path(file)]);
        }
        if self.passphrase.is_some() {
            let source = format!("env:{PASSPHRASE_VARIABLE}");
            arguments.extend(["-passin".into(), source.into()]);
        }
        self.run(&arguments, Some(artifact), context).await
    }
}

impl fmt::Debug for OpensslSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, certificate, .. } = self;
        f.debug_struct("OpensslSigner")
            .field("program", program)
            .field("certificate", certificate)
            .finish_non_exhaustive()
    }
}
