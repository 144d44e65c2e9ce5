//! Inspecting UKIs.

use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use foreign_text::ForeignText;

use crate::efi_program::{EfiProgram, failed, open};
use crate::error::Error;
use crate::pe::headers::HEADERS_LIMIT;
use crate::pe::problem::PeProblem;
use crate::scan::{ScanFailure, read_at};
use crate::uki::kernel::Kernel;
use crate::uki::part::Part;
use crate::uki::text::TEXT_LIMIT;

/// The sections that a UKI may have several times: one for each kind of machine (systemd-stub(7)).
const REPEATED: [&str; 2] = [".dtbauto", ".efifw"];

/// A UKI that was read whole and checked: an EFI program with a kernel for its own processor, and
/// with no section twice.
///
/// ```no_run
/// use netboot_uki::UkiFile;
///
/// let uki = UkiFile::open("worker.efi")?;
/// if let Some(line) = uki.command_line() {
///     println!("{} {line}", uki.program().architecture());
/// }
/// for section in uki.program().sections() {
///     println!("{} {}", section.name, section.size);
/// }
/// # Ok::<(), netboot_uki::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct UkiFile {
    program: EfiProgram,
    os_release: Option<Vec<u8>>,
    command_line: Option<Vec<u8>>,
    uname: Option<Vec<u8>>,
}

impl UkiFile {
    /// Reads a UKI to its end. The memory that this takes does not depend on its size. This blocks
    /// its thread.
    ///
    /// # Errors
    /// [`Error::Program`] if it is no UKI, [`Error::Core`] or [`Error::Io`] if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (file, length) = open(path)?;
        Self::read(path, file, length)
    }

    /// Takes the bytes of a UKI. `name` names it in errors.
    ///
    /// # Errors
    /// [`Error::Program`].
    pub fn parse(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Self, Error> {
        Self::read(name.as_ref(), Cursor::new(bytes), bytes.len() as u64)
    }

    fn read(path: &Path, mut file: impl Read + Seek, length: u64) -> Result<Self, Error> {
        let program = EfiProgram::read(path, &mut file, length)?;
        let texts = check(&program)
            .map_err(ScanFailure::Program)
            .and_then(|()| check_kernel(&program, &mut file))
            .and_then(|()| {
                let mut text = |name| text(&program, &mut file, name);
                Ok((text(".osrel")?, text(".cmdline")?, text(".uname")?))
            });
        let (os_release, command_line, uname) = texts.map_err(|failure| failed(path, failure))?;
        Ok(Self { program, os_release, command_line, uname })
    }

    /// The program: its architecture, its sections, its digest and its signatures.
    pub fn program(&self) -> &EfiProgram {
        &self.program
    }

    /// The command line, if there is one, in a form that is safe to show.
    /// [`command_line_bytes`](Self::command_line_bytes) has exactly what the kernel gets.
    pub fn command_line(&self) -> Option<ForeignText> {
        self.command_line.as_deref().map(shown)
    }

    /// The bytes of the command line, if there is one, without the zeros at its end.
    pub fn command_line_bytes(&self) -> Option<&[u8]> {
        self.command_line.as_deref()
    }

    /// The content of `os-release`, if there is one, in a form that is safe to show.
    pub fn os_release(&self) -> Option<ForeignText> {
        self.os_release.as_deref().map(ForeignText::of_bytes)
    }

    /// The version of the kernel, if the UKI states it, in a form that is safe to show.
    pub fn uname(&self) -> Option<ForeignText> {
        self.uname.as_deref().map(shown)
    }
}

fn shown(bytes: &[u8]) -> ForeignText {
    ForeignText::line(String::from_utf8_lossy(bytes))
}

/// Checks the sections that a UKI has.
fn check(program: &EfiProgram) -> Result<(), PeProblem> {
    let mut names = BTreeSet::new();
    for section in program.sections() {
        if !names.insert(&section.name) && !REPEATED.contains(&section.name.as_str()) {
            return Err(PeProblem::DuplicateSection { section: PeProblem::named(&section.name) });
        }
    }
    Ok(())
}

/// Checks that the kernel can start.
fn check_kernel(program: &EfiProgram, file: impl Read + Seek) -> Result<(), ScanFailure> {
    let missing = PeProblem::MissingSection { section: Part::KERNEL };
    let kernel = program.section(Part::KERNEL).ok_or(missing)?;
    let range = kernel.range();
    let count = (range.end - range.start).min(HEADERS_LIMIT.into());
    let start = read_at(file, range.start, count)?;
    Ok(Kernel::parse(&start, program.architecture()).map(drop)?)
}

/// Reads a section of text, without the zeros at its end.
fn text(
    program: &EfiProgram,
    file: impl Read + Seek,
    name: &str,
) -> Result<Option<Vec<u8>>, ScanFailure> {
    let Some(section) = program.section(name) else { return Ok(None) };
    if section.size > TEXT_LIMIT {
        let section = name.to_owned();
        return Err(PeProblem::SectionTooLarge { section, limit: TEXT_LIMIT }.into());
    }
    let range = section.range();
    let mut bytes = read_at(file, range.start, range.end - range.start)?;
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(length);
    Ok(Some(bytes))
}
