//! The measurements that a UKI leads to.

use std::io::Read;
use std::path::{Path, PathBuf};

use netboot_core::{Artifact, Context, Sha256Digest, blocking};

use crate::blocking_reader::BlockingReader;
use crate::efi_program::{ProgramSource, open};
use crate::error::Error;
use crate::pcr::boot_path::BootPath;
use crate::pcr::prediction::{self, PredictedPcrs};
use crate::pcr::section_digests::{MEASURED, SectionDigests};
use crate::pcr::stub_version::StubVersion;
use crate::pe::problem::PeProblem;
use crate::uki_file::UkiFile;

/// The sections from which the stub takes what fits the machine, so that nobody can predict the
/// choice.
const CHOSEN_BY_MACHINE: [&str; 2] = [".dtbauto", ".efifw"];

/// A UKI with the digests of what the firmware and the stub measure when a machine boots it. From
/// these, [`predict`](Self::predict) makes the values of PCRs in a TPM.
///
/// The stub has to be systemd's of version 257 or later.
///
/// # Examples
/// ```no_run
/// use netboot_uki::{BootPath, MeasuredUki};
///
/// let pcrs = MeasuredUki::open("worker.efi")?.predict(&BootPath::secure_boot())?;
/// println!("4 {}\n11 {}\n12 {}", pcrs.pcr_4, pcrs.pcr_11, pcrs.pcr_12);
/// # Ok::<(), netboot_uki::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MeasuredUki {
    path: PathBuf,
    uki: UkiFile,
    stub: StubVersion,
    sections: Vec<(&'static str, Sha256Digest)>,
    /// `None` if the kernel has gaps or overlaps.
    kernel: Option<Sha256Digest>,
}

impl MeasuredUki {
    /// Reads a UKI to its end. The memory that this takes does not depend on its size. This blocks
    /// its thread.
    ///
    /// # Errors
    /// [`Error::Program`] if it is no UKI, or one whose measurements cannot be predicted.
    /// [`Error::Core`] or [`Error::Io`] if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (file, length) = open(path)?;
        Self::read(&ProgramSource { path, length, context: &Context::new() }, file)
    }

    /// Reads the UKI of an image, such as one at a target. Its file name names it in errors.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open), and [`Error::Core`] if the work was cancelled.
    pub async fn of_artifact(artifact: &dyn Artifact, context: &Context) -> Result<Self, Error> {
        let (length, context) = (artifact.size(), context.clone());
        let path = PathBuf::from(artifact.file_name().as_str());
        let reader = BlockingReader::new(artifact.open().await?);
        blocking(move || {
            Self::read(&ProgramSource { path: &path, length, context: &context }, reader)
        })
        .await
    }

    fn read(source: &ProgramSource<'_>, reader: impl Read) -> Result<Self, Error> {
        let path = source.path;
        let mut digests = SectionDigests::default();
        let read = UkiFile::read(source, reader, |headers, position, bytes| {
            digests.update(headers, position, bytes);
        });
        let (uki, magic) = read?;
        let (sections, kernel) = digests.finish();
        let check = || {
            for section in uki.program().sections() {
                let is_measured = MEASURED.contains(&section.name.as_str());
                if CHOSEN_BY_MACHINE.contains(&section.name.as_str()) {
                    let section = PeProblem::named(&section.name);
                    return Err(PeProblem::ChosenByMachine { section });
                }
                // The stub measures the section in memory, where zeros stand behind its bytes.
                if is_measured && section.memory_size != section.size {
                    let section = PeProblem::named(&section.name);
                    return Err(PeProblem::LargerInMemory { section });
                }
            }
            StubVersion::parse(&magic)
        };
        let stub = check().map_err(|problem| Error::Program { path: path.to_owned(), problem })?;
        let is_there = |name: &str| uki.program().section(name).is_some_and(|it| it.size > 0);
        let sections = MEASURED.into_iter().zip(sections).filter(|(name, _)| is_there(name));
        let sections = sections.collect();
        Ok(Self { path: path.to_owned(), uki, stub, sections, kernel })
    }

    /// The UKI: its program, its command line and its texts.
    pub fn uki(&self) -> &UkiFile {
        &self.uki
    }

    /// The sections that the stub measures into PCR 11, in its order, with the SHA-256 digests of
    /// their contents.
    pub fn sections(&self) -> &[(&'static str, Sha256Digest)] {
        &self.sections
    }

    /// Predicts the PCRs of a machine that boots the UKI in this way.
    ///
    /// # Errors
    /// [`Error::Program`] if the firmware measures the kernel, and the kernel has gaps or overlaps,
    /// so that its digest is ambiguous.
    pub fn predict(&self, path: &BootPath) -> Result<PredictedPcrs, Error> {
        let mut programs = path.measured(self.uki.program().measured_digest());
        if self.stub.firmware_measures_kernel(path.is_secure_boot()) {
            let problem = PeProblem::AmbiguousKernel;
            let failed = || Error::Program { path: self.path.clone(), problem };
            programs.push(self.kernel.ok_or_else(failed)?);
        }
        Ok(PredictedPcrs {
            pcr_4: prediction::pcr_4(path, &programs),
            pcr_11: prediction::pcr_11(&self.sections),
            pcr_12: prediction::pcr_12(path),
        })
    }
}
