//! The errors of this crate.

mod advice;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use foreign_text::ForeignText;
use netboot_core::{Architecture, ProfileName};
use netboot_process::LastLines;
use x509_cert::der;

use crate::pe::problem::PeProblem;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or an artifact cannot be read, or the work was cancelled.
    #[error(transparent)]
    Core(#[from] netboot_core::Error),
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// The action, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file is no EFI program, no UKI, or no kernel for one.
    #[error("`{}` cannot be used: {problem}", path.display())]
    Program {
        /// The file.
        path: PathBuf,
        /// The fault.
        problem: PeProblem,
    },
    /// A stub is not systemd's, or sections cannot be added to it.
    #[error("the stub `{}` cannot be used: {problem}", path.display())]
    Stub {
        /// The stub.
        path: PathBuf,
        /// The fault.
        problem: PeProblem,
    },
    /// A UKI would be larger than the format can describe.
    #[error("the UKI would be larger than 4 GiB")]
    TooLarge,
    /// A text cannot stand in a UKI or in an addon.
    #[error("the text for the section {section} cannot be used: {problem}")]
    Text {
        /// The section.
        section: &'static str,
        /// The fault, as a clause.
        problem: &'static str,
    },
    /// Neither the caller nor the image has a stub for the architecture of the image.
    #[error("there is no stub for the UKI of `{profile}`, which is for {architecture}")]
    NoStub {
        /// The profile.
        profile: ProfileName,
        /// The architecture.
        architecture: Architecture,
    },
    /// The machines of an image fetch its closure, and nothing says from where.
    #[error("the UKI of `{profile}` would not say where its machines fetch the closure")]
    NoClosureSource {
        /// The profile.
        profile: ProfileName,
    },
    /// Machines cannot fetch a closure from a URL. The URL may have a password.
    #[error("machines cannot fetch a closure from the URL of {host}")]
    ClosureSource {
        /// The host of the URL.
        host: ForeignText,
    },
    /// An image with a closure has a kernel parameter that stage 1 would refuse, or that belongs to
    /// Netboot.
    #[error("the kernel parameters of `{profile}` cannot be on the command line of a UKI")]
    BootParameter {
        /// The profile.
        profile: ProfileName,
        /// The cause.
        source: netboot_closure::Error,
    },
    /// The UKI of an image was made of something else.
    #[error("the UKI of `{profile}` does not belong to its image: {problem} (section {section})")]
    OtherImage {
        /// The profile.
        profile: ProfileName,
        /// The section, which may be one that the file names.
        section: String,
        /// The fault, as a clause about the section.
        problem: &'static str,
    },
    /// A file is no certificate that firmware would verify with.
    #[error("the certificate `{}` cannot be used: {problem}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The fault, as a clause.
        problem: &'static str,
    },
    /// A certificate does not belong into the chain of a signer.
    #[error("the certificate {subject} cannot be in the chain: {problem}")]
    Chain {
        /// The subject of the certificate.
        subject: ForeignText,
        /// The fault, as a clause.
        problem: &'static str,
    },
    /// A file is no private key, or not the one of the certificate. The error does not show it.
    #[error("the key `{}` cannot be used: {problem}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The fault, as a clause.
        problem: &'static str,
    },
    /// A private key has a passphrase.
    #[error("the key `{}` has a passphrase", path.display())]
    LockedKey {
        /// The file.
        path: PathBuf,
    },
    /// Other users can read or write a private key.
    #[error("other users can read or write the key `{}`", path.display())]
    ExposedKey {
        /// The file.
        path: PathBuf,
    },
    /// A private key belongs to another user than the one of this process or `root`.
    #[error("the key `{}` belongs to another user", path.display())]
    ForeignKey {
        /// The file.
        path: PathBuf,
    },
    /// A signer made something else than a signature by the key of its certificate.
    #[error("the signature is not one by the key of the certificate {subject}")]
    WrongSignature {
        /// The subject of the certificate.
        subject: ForeignText,
    },
    /// The command that signs could not be run.
    #[error("the command that signs did not run")]
    StartCommand {
        /// The cause, which names the program.
        source: netboot_process::Error,
    },
    /// The command that signs failed. The error does not show its arguments.
    #[error("`{}` failed: {status}: {last_lines}", program.display())]
    Command {
        /// The program.
        program: PathBuf,
        /// Its exit status.
        status: ExitStatus,
        /// The last lines of its standard error.
        last_lines: LastLines,
    },
    /// No signature of a program is by a trusted key.
    #[error("`{}` is not trusted: {problem}", path.display())]
    Untrusted {
        /// The program.
        path: PathBuf,
        /// The fault.
        problem: SignatureProblem,
    },
    /// The variable `PK` should get several certificates.
    #[error("PK holds one certificate, and not {count}")]
    PlatformKeys {
        /// The number of certificates.
        count: usize,
    },
    /// A time cannot stand in a certificate or in a variable of the firmware.
    #[error("the year of the time is not from 1950 to 9000")]
    Time,
    /// A message or a certificate cannot be made.
    #[error("cannot make the {what}")]
    Encode {
        /// The thing that cannot be made.
        what: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The fault of a signature. `Display` is a clause about the program, which is "it".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureProblem {
    /// The program has no signature.
    Unsigned,
    /// The signature is not in the format of Authenticode.
    Malformed,
    /// The signature has another algorithm than RSA with SHA-256.
    Algorithm,
    /// The signature is for another program, or the program was changed.
    OtherProgram,
    /// The signed attributes are for another content than the one of the signature.
    OtherContent,
    /// The signature does not contain the certificate of its signer, or one with another key than
    /// RSA.
    NoCertificate,
    /// The key of the certificate did not make the signature.
    OtherKey,
    /// The certificate of the signer is not trusted.
    Untrusted,
}

impl fmt::Display for SignatureProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsigned => "it is not signed",
            Self::Malformed => "its signature is damaged",
            Self::Algorithm => "its signature is not by RSA with SHA-256",
            Self::OtherProgram => "its signature is for another program, or it was changed",
            Self::OtherContent => "its signature is not for the content beside it",
            Self::NoCertificate => "its signature lacks the certificate of its signer",
            Self::OtherKey => "its signature is not by the key of its certificate",
            Self::Untrusted => "the key that signed it is not trusted",
        })
    }
}

impl Error {
    pub(crate) fn encode(source: der::Error) -> Self {
        Self::Encode { what: "signature", source: Box::new(source) }
    }
}
