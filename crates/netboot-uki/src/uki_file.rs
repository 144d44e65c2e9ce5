//! Inspecting UKIs.

use std::collections::BTreeSet;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use foreign_text::ForeignText;
use netboot_core::Context;

use crate::efi_program::{EfiProgram, ProgramSource, failed, open};
use crate::error::Error;
use crate::pe::headers::{HEADERS_LIMIT, Headers};
use crate::pe::problem::PeProblem;
use crate::pe::section::Section;
use crate::stub::MAGIC_SECTION;
use crate::uki::kernel::Kernel;
use crate::uki::part::Part;
use crate::uki::text::TEXT_LIMIT;

/// The sections that a UKI may have several times: one for each kind of machine (systemd-stub(7)).
const REPEATED: [&str; 2] = [".dtbauto", ".efifw"];

/// The sections that are read: of the kernel, its start; of the texts, all.
const WANTED: [&str; 5] = [Part::KERNEL, ".osrel", ".cmdline", ".uname", MAGIC_SECTION];

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
        let source = ProgramSource { path, length, context: &Context::new() };
        Ok(Self::read(&source, file, |_, _, _| {})?.0)
    }

    /// Takes the bytes of a UKI. `name` names it in errors.
    ///
    /// # Errors
    /// [`Error::Program`].
    pub fn parse(name: impl AsRef<Path>, bytes: &[u8]) -> Result<Self, Error> {
        let (path, length) = (name.as_ref(), bytes.len() as u64);
        let source = ProgramSource { path, length, context: &Context::new() };
        Ok(Self::read(&source, bytes, |_, _, _| {})?.0)
    }

    /// Reads a UKI, and the section in which its stub names itself; empty without one. `passing`
    /// gets the bytes behind the headers in pieces, each with its position.
    pub(crate) fn read(
        source: &ProgramSource<'_>,
        file: impl Read,
        passing: impl FnMut(&Headers, u64, &[u8]),
    ) -> Result<(Self, Vec<u8>), Error> {
        let (program, contents) = EfiProgram::read(source, file, ranges, passing)?;
        let content = |index: usize| program.section(WANTED[index]).and(contents.get(index));
        let kernel = content(0).map(Vec::as_slice).unwrap_or_default();
        Kernel::parse(kernel, program.architecture())
            .map_err(|problem| failed(source.path, problem.into()))?;
        let text = |index| content(index).map(|bytes| without_zeros(bytes).to_vec());
        let [os_release, command_line, uname] = [1, 2, 3].map(text);
        let magic = content(4).cloned().unwrap_or_default();
        Ok((Self { program, os_release, command_line, uname }, magic))
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

    /// The bytes of the version, if the UKI states it, without the zeros at their end.
    pub(crate) fn uname_bytes(&self) -> Option<&[u8]> {
        self.uname.as_deref()
    }
}

fn shown(bytes: &[u8]) -> ForeignText {
    ForeignText::line(String::from_utf8_lossy(bytes))
}

/// The bytes without the zeros at their end.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &bytes[..length]
}

/// Checks the sections that a UKI has. Returns the ranges of the [`WANTED`] ones. A section that is
/// not there has an empty range.
fn ranges(headers: &Headers) -> Result<Vec<Range<u64>>, PeProblem> {
    let mut names = BTreeSet::new();
    for section in &headers.sections {
        if !section.has_memory_size {
            return Err(PeProblem::NoMemorySize { section: PeProblem::named(&section.name) });
        }
        if !names.insert(&section.name) && !REPEATED.contains(&section.name.as_str()) {
            return Err(PeProblem::DuplicateSection { section: PeProblem::named(&section.name) });
        }
    }
    let missing = PeProblem::MissingSection { section: Part::KERNEL };
    headers.section(Part::KERNEL).ok_or(missing)?;
    let mut ranges = Vec::new();
    for name in WANTED {
        let range = headers.section(name).map_or(0..0, Section::range);
        let size = range.end - range.start;
        if name == Part::KERNEL {
            ranges.push(range.start..range.start + size.min(HEADERS_LIMIT.into()));
        } else if size <= TEXT_LIMIT.into() {
            ranges.push(range);
        } else {
            let section = name.to_owned();
            return Err(PeProblem::SectionTooLarge { section, limit: TEXT_LIMIT });
        }
    }
    Ok(ranges)
}
