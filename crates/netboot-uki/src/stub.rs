//! systemd's stubs, to which a UKI's sections are added.

use std::path::{Path, PathBuf};

use netboot_core::{Architecture, read_regular_file};

use crate::error::Error;
use crate::pe::headers::Headers;
use crate::pe::problem::PeProblem;

/// The greatest size of a stub in bytes. systemd's have about 100 KiB.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The section in which systemd's programs name themselves (`src/boot/stub.c` of systemd).
pub(crate) const MAGIC_SECTION: &str = ".sdmagic";

/// The greatest number of bytes in which a program names itself.
pub(crate) const MAGIC_LIMIT: usize = 256;

/// The names of the stubs for UKIs and for addons.
pub(crate) const UKI_STUB: &str = "systemd-stub";
const ADDON_STUB: &str = "systemd-addon";

/// Returns true if this is the start of the section in which the program `expected` names itself.
pub(crate) fn is_magic(bytes: &[u8], expected: &str) -> bool {
    bytes.starts_with(format!("#### LoaderInfo: {expected} ").as_bytes())
}

/// The stub of a UKI: systemd's `linuxx64.efi.stub` or `linuxaa64.efi.stub`, in the directory
/// `lib/systemd/boot/efi` of systemd's package.
#[derive(Debug, Clone)]
pub struct Stub(pub(crate) StubFile);

/// The stub of an addon: systemd's `addonx64.efi.stub` or `addonaa64.efi.stub`.
#[derive(Debug, Clone)]
pub struct AddonStub(pub(crate) StubFile);

/// The bytes of a stub, and its headers.
#[derive(Debug, Clone)]
pub(crate) struct StubFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) headers: Headers,
}

impl Stub {
    /// Reads a stub. This blocks its thread.
    ///
    /// # Errors
    /// The errors of [`parse`](Self::parse), and [`Error::Core`] if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::parse(path, read_regular_file(path, LIMIT)?)
    }

    /// Takes the bytes of a stub. `name` names it in errors.
    ///
    /// # Errors
    /// [`Error::Stub`] if it is not systemd's stub for UKIs, or is signed.
    pub fn parse(name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Self, Error> {
        StubFile::parse(name.as_ref(), bytes, UKI_STUB).map(Self)
    }

    /// The architecture of the machines that boot it.
    pub fn architecture(&self) -> Architecture {
        self.0.headers.architecture
    }
}

impl AddonStub {
    /// Reads a stub. This blocks its thread.
    ///
    /// # Errors
    /// The errors of [`parse`](Self::parse), and [`Error::Core`] if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::parse(path, read_regular_file(path, LIMIT)?)
    }

    /// Takes the bytes of a stub. `name` names it in errors.
    ///
    /// # Errors
    /// [`Error::Stub`] if it is not systemd's stub for addons, or is signed.
    pub fn parse(name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Self, Error> {
        StubFile::parse(name.as_ref(), bytes, ADDON_STUB).map(Self)
    }

    /// The architecture of the machines that load it.
    pub fn architecture(&self) -> Architecture {
        self.0.headers.architecture
    }
}

impl StubFile {
    fn parse(path: &Path, bytes: Vec<u8>, expected: &'static str) -> Result<Self, Error> {
        let check = || {
            let headers = Headers::parse(&bytes, bytes.len() as u64)?;
            let named = headers.section(MAGIC_SECTION).is_some_and(|section| {
                // A section without bytes in the file may have any position.
                let (start, size) = (section.offset as usize, section.size as usize);
                let text = start.checked_add(size).and_then(|end| bytes.get(start..end));
                text.is_some_and(|text| is_magic(text, expected))
            });
            if !named {
                return Err(PeProblem::ForeignStub { expected });
            }
            if headers.sections_end != bytes.len() as u64 {
                return Err(PeProblem::BytesBehind);
            }
            if headers.sections_end % u64::from(headers.file_alignment) != 0 {
                return Err(PeProblem::UnalignedEnd);
            }
            Ok(headers)
        };
        match check() {
            Ok(headers) => Ok(Self { path: path.to_owned(), headers, bytes }),
            Err(problem) => Err(Error::Stub { path: path.to_owned(), problem }),
        }
    }
}
