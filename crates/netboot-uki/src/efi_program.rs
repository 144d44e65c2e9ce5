//! Inspecting and verifying EFI programs.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use netboot_core::{Architecture, Context, Sha256Digest, open_regular_file};

use crate::authenticode::table;
use crate::authenticode::verify::{signer, verify};
use crate::certificate::Certificate;
use crate::error::{Error, SignatureProblem};
use crate::pe::headers::Headers;
use crate::pe::problem::PeProblem;
use crate::pe::section::Section;
use crate::scan::{Scan, ScanFailure};

/// An EFI program that was read whole, such as a [`UkiFile`](crate::UkiFile), a kernel or iPXE:
/// its sections, its digest and its signatures.
///
/// The bytes may be hostile. Netboot accepts only programs whose headers, sections and signatures
/// follow each other without a gap and without an overlap, because programs that compute the digest
/// disagree about others.
///
/// ```no_run
/// use netboot_uki::{Certificate, EfiProgram};
///
/// let program = EfiProgram::open("ipxe.efi")?;
/// println!("{} {}", program.architecture(), program.sha256());
/// program.verify(&[Certificate::read("db.crt")?])?;
/// # Ok::<(), netboot_uki::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EfiProgram {
    path: PathBuf,
    size: u64,
    headers: Headers,
    digest: Sha256Digest,
    measured_digest: Sha256Digest,
    has_right_checksum: bool,
    signatures: Vec<Vec<u8>>,
}

impl EfiProgram {
    /// Reads a program to its end. This blocks its thread.
    ///
    /// # Errors
    /// [`Error::Program`] if it is none, [`Error::Core`] or [`Error::Io`] if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (file, length) = open(path)?;
        let source = ProgramSource { path, length, context: &Context::new() };
        Ok(Self::read(&source, file, |_| Ok(Vec::new()), |_, _, _| {})?.0)
    }

    /// Takes the bytes of a program. `name` names it in errors.
    ///
    /// # Errors
    /// [`Error::Program`].
    pub fn parse(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Self, Error> {
        let (path, length) = (name.as_ref(), bytes.len() as u64);
        let source = ProgramSource { path, length, context: &Context::new() };
        Ok(Self::read(&source, bytes, |_| Ok(Vec::new()), |_, _, _| {})?.0)
    }

    /// Reads a program, and the bytes of the ranges that `wanted` tells. `passing` gets the bytes
    /// behind the headers in pieces, each with its position.
    pub(crate) fn read(
        source: &ProgramSource<'_>,
        file: impl Read,
        wanted: impl FnOnce(&Headers) -> Result<Vec<Range<u64>>, PeProblem>,
        passing: impl FnMut(&Headers, u64, &[u8]),
    ) -> Result<(Self, Vec<Vec<u8>>), Error> {
        let ProgramSource { path, length, context } = *source;
        let read = Scan::read(file, length, context, wanted, passing);
        let read = read.and_then(|scan| {
            let signatures = table::signatures(&scan.signatures)?;
            Ok((scan, signatures))
        });
        let (scan, signatures) = read.map_err(|failure| failed(path, failure))?;
        let program = Self {
            path: path.to_owned(),
            size: scan.length,
            digest: scan.digest,
            measured_digest: scan.unpadded_digest,
            has_right_checksum: scan.headers.checksum == scan.checksum(),
            headers: scan.headers,
            signatures,
        };
        Ok((program, scan.wanted))
    }

    /// The architecture of the machines that run it.
    pub fn architecture(&self) -> Architecture {
        self.headers.architecture
    }

    /// The size in bytes, with the signatures.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The sections in their order.
    pub fn sections(&self) -> &[Section] {
        &self.headers.sections
    }

    /// The section of this name, if there is one.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.headers.section(name)
    }

    /// The SHA-256 digest that signatures cover (Authenticode). It leaves out the signatures and
    /// the fields that change with them, so it is not the digest of the file.
    ///
    /// [`sign`](crate::sign()) adds zeros to a program whose length is no multiple of 8 bytes. This
    /// is the digest with these zeros, which a signature covers.
    pub fn sha256(&self) -> Sha256Digest {
        self.digest
    }

    /// The digest that firmware measures when it loads the program. It is another one than that of
    /// signatures for a program without signatures whose length is no multiple of 8 bytes
    /// (`MeasurePeImageAndExtend` in `SecurityPkg/Tcg/Tcg2Dxe/MeasureBootPeCoff.c` of EDK II).
    pub(crate) fn measured_digest(&self) -> Sha256Digest {
        self.measured_digest
    }

    /// Returns true if the checksum in the headers is right. UEFI firmware does not compare it, and
    /// `ukify` writes none.
    pub fn has_right_checksum(&self) -> bool {
        self.has_right_checksum
    }

    /// The number of signatures, valid or not.
    pub fn signature_count(&self) -> usize {
        self.signatures.len()
    }

    /// The certificate of the signer of each signature, or why a signature does not count. Anybody
    /// can make a certificate with any name: only [`verify`](Self::verify) tells whom to trust.
    pub fn signers(&self) -> Vec<Result<Certificate, SignatureProblem>> {
        let signatures = self.signatures.iter();
        signatures
            .map(|one| signer(one, &self.digest).map(|(certificate, _)| certificate))
            .collect()
    }

    /// Verifies that the key of a trusted certificate, or of one that a trusted one issued, signed
    /// the program. One such signature suffices, as for firmware. Like firmware, this compares no
    /// dates with the present. Unlike firmware, it knows no revoked programs (`dbx`), no digests of
    /// programs in `db`, no SHA-384, and no entries of the type `WIN_CERT_TYPE_EFI_GUID`.
    ///
    /// Returns the trusted certificate.
    ///
    /// # Errors
    /// [`Error::Untrusted`] with the problem of the first signature.
    pub fn verify<'a>(&self, trusted: &'a [Certificate]) -> Result<&'a Certificate, Error> {
        let mut first = None;
        for signature in &self.signatures {
            match verify(signature, &self.digest, trusted) {
                Ok(certificate) => return Ok(certificate),
                Err(problem) => {
                    first.get_or_insert(problem);
                }
            }
        }
        let problem = first.unwrap_or(SignatureProblem::Unsigned);
        Err(Error::Untrusted { path: self.path.clone(), problem })
    }
}

/// The file that is read.
#[derive(Debug)]
pub(crate) struct ProgramSource<'a> {
    /// The path that names the file in errors.
    pub(crate) path: &'a Path,
    /// The length of the file in bytes.
    pub(crate) length: u64,
    /// Cancels the reading.
    pub(crate) context: &'a Context,
}

/// Opens a file, and tells its length.
pub(crate) fn open(path: &Path) -> Result<(File, u64), Error> {
    let file = open_regular_file(path)?;
    let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let length = file.metadata().map_err(failed)?.len();
    Ok((file, length))
}

/// The error of a file that cannot be read.
pub(crate) fn failed(path: &Path, failure: ScanFailure) -> Error {
    let path = path.to_owned();
    match failure {
        ScanFailure::Program(problem) => Error::Program { path, problem },
        ScanFailure::Core(error) => error.into(),
        ScanFailure::Io(source) => Error::Io { action: "read", path, source },
    }
}
