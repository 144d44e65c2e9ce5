//! Signing by the program `openssl`.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_trait::async_trait;
use netboot_core::{Artifact, Context};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::error::Error;
use crate::signing::signer::Signer;

/// How many lines of a failed program's errors an error carries.
const ERROR_LINES: usize = 20;

/// The variable by which `openssl` is told the passphrase.
const PASSPHRASE_VARIABLE: &str = "NETBOOT_SIGNING_PASSPHRASE";

/// Signs with a key and a certificate in PEM files, by the program `openssl` (1.1 or later). The
/// program, because it does with any key what iPXE was tried with, those of an HSM included.
pub struct OpensslSigner {
    program: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    authority: PathBuf,
    passphrase: Option<String>,
}

impl OpensslSigner {
    /// A signer with this certificate and its key. `authority` has the certificates between the
    /// signer's and the one that iPXE trusts, that one included: `imgverify` looks for them in the
    /// signature.
    ///
    /// # Errors
    /// [`Error::NotForCodeSigning`] for a certificate that iPXE would refuse,
    /// [`Error::StartProgram`] without `openssl`, [`Error::Program`] when it cannot read the
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
            "extendedKeyUsage".into(),
            "-in".into(),
            certificate.clone().into_os_string(),
        ];
        let text = signer.run(&arguments, None, &Context::new()).await?;
        if String::from_utf8_lossy(&text).contains("Code Signing") {
            Ok(signer)
        } else {
            Err(Error::NotForCodeSigning { certificate })
        }
    }

    /// The passphrase of the key. It reaches `openssl` by its environment, which only this user
    /// and root can read.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: impl Into<String>) -> Self {
        self.passphrase = Some(passphrase.into());
        self
    }

    /// Runs `openssl`, with an artifact for its input, and gives its output.
    async fn run(
        &self,
        arguments: &[OsString],
        input: Option<&dyn Artifact>,
        context: &Context,
    ) -> Result<Vec<u8>, Error> {
        let program = &self.program;
        let start = |source| Error::StartProgram { program: program.clone(), source };
        let mut command = Command::new(program);
        command.args(arguments).env_remove(PASSPHRASE_VARIABLE);
        if let Some(passphrase) = &self.passphrase {
            command.env(PASSPHRASE_VARIABLE, passphrase);
        }
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(start)?;
        let stdin = child.stdin.take();
        let feed = async {
            let (Some(artifact), Some(mut stdin)) = (input, stdin) else { return Ok(()) };
            let mut reader = artifact.open().await?;
            // A program that fails closes its input before it has read all: its status tells why.
            match tokio::io::copy(&mut reader, &mut stdin).await {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    let path = Path::new(artifact.file_name().as_str()).to_owned();
                    Err(Error::Core(netboot_core::Error::Io {
                        action: "read",
                        path,
                        source: error,
                    }))
                }
                _ => Ok(()),
            }
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (mut output, mut errors) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let read_output = async {
                match &mut output {
                    Some(output) => output.read_to_end(&mut stdout).await.map(drop),
                    None => Ok(()),
                }
            };
            let read_errors = async {
                match &mut errors {
                    Some(errors) => errors.read_to_end(&mut stderr).await.map(drop),
                    None => Ok(()),
                }
            };
            let (input_read, output_read, errors_read) =
                tokio::join!(feed, read_output, read_errors);
            output_read.and(errors_read).map_err(start)?;
            let status = child.wait().await.map_err(start)?;
            input_read.map(|()| status)
        };
        let status = tokio::select! {
            status = work => status?,
            () = context.cancellation().cancelled() => {
                return Err(netboot_core::Error::Cancelled.into());
            }
        };
        if status.success() {
            return Ok(stdout);
        }
        let text = String::from_utf8_lossy(&stderr);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(ERROR_LINES)..].join("\n");
        let arguments = arguments.iter().map(|one| one.to_string_lossy().into_owned()).collect();
        Err(Error::Program { program: program.clone(), arguments, status, stderr: last })
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
