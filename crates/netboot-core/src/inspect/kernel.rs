//! Checks that a file is a whole kernel for an architecture.

mod bz_image;
mod efi_program;
mod elf;
mod file_start;
mod format_guess;
mod gzip;
mod image;
mod z_image;

use std::fs::File;
use std::path::Path;

use self::efi_program::Machine;
use self::file_start::{FileStart, Unfit};
use crate::architecture::Architecture;
use crate::artifact_kind::ArtifactKind;
use crate::blocking::blocking;
use crate::error::Error;
use crate::inspect::linux_version::LinuxVersion;
use crate::regular_file::open_regular_file;

/// Checks that the file at `path` is a kernel for `architecture`, and that no byte is missing at
/// its end. More bytes may follow, such as a signature.
///
/// Each format states the length of the file in its own way:
///
/// | format | architectures | the length comes from |
/// |---|---|---|
/// | bzImage | `x86_64` | `setup_sects` and `syssize`, and the EFI program in it |
/// | EFI program | all but `powerpc64le` | the sections and the table of certificates |
/// | compressed EFI program | `aarch64`, `riscv64`, `loongarch64` | the position and size of the payload as well |
/// | `Image.gz` | `aarch64` | the end of the gzip data, which iPXE unpacks on this architecture |
/// | zImage | `armv7l` | the addresses of its start and its end |
/// | ELF | `powerpc64le` | the segments and the sections |
///
/// The file of a bzImage may be up to 15 bytes shorter than `syssize`, which counts units of 16
/// bytes. An `Image` without an EFI program states only the memory that it needs, so a missing end
/// is not found.
///
/// # Errors
/// [`Error::NotAKernel`] with a guess at the file's format or with the bytes that are missing,
/// [`Error::EmptyArtifact`], [`Error::NotAFile`], [`Error::Io`].
pub async fn check_kernel(path: &Path, architecture: Architecture) -> Result<(), Error> {
    let path = path.to_owned();
    blocking(move || check(&path, architecture)).await
}

/// Returns the version that the kernel at `path` tells.
pub(super) fn linux_version(
    path: &Path,
    architecture: Architecture,
) -> Result<Option<LinuxVersion>, Error> {
    let failed = |source| Error::io("read", path, source);
    let file = open_regular_file(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let start = FileStart::read(&file, length).map_err(failed)?;
    Ok(match architecture {
        Architecture::X86_64 => bz_image::version(&start),
        _ => None,
    })
}

fn check(path: &Path, architecture: Architecture) -> Result<(), Error> {
    let failed = |source| Error::io("read", path, source);
    let file = open_regular_file(path)?;
    let length = file.metadata().map_err(failed)?.len();
    if length == 0 {
        return Err(Error::EmptyArtifact { kind: ArtifactKind::Kernel, path: path.to_owned() });
    }
    let start = FileStart::read(&file, length).map_err(failed)?;
    check_format(&file, &start, architecture).map_err(|unfit| match unfit {
        Unfit::Unreadable(source) => failed(source),
        Unfit::Unrecognised => {
            let found = format_guess::guess(&start);
            Error::NotAKernel { path: path.to_owned(), architecture, found }
        }
        Unfit::Problem(found) => Error::NotAKernel { path: path.to_owned(), architecture, found },
    })
}

fn check_format(file: &File, start: &FileStart, architecture: Architecture) -> Result<(), Unfit> {
    match architecture {
        Architecture::X86_64 => bz_image::check(start),
        Architecture::Aarch64 if gzip::is_gzip(start) => {
            gzip::check(file, start, |unpacked| image::check(unpacked, image::ARM64))
        }
        Architecture::Aarch64 => image::check(start, image::ARM64),
        Architecture::Riscv64 => image::check(start, image::RISCV64),
        Architecture::Armv7l => z_image::check(start),
        Architecture::Powerpc64le => elf::check(file, start),
        Architecture::Loongarch64 => efi_program::check(start, Machine::LOONGARCH64),
    }
}
