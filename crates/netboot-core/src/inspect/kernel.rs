//! Checks that a file is a kernel for an architecture.

use std::path::Path;

use tokio::io::AsyncReadExt;

use crate::architecture::Architecture;
use crate::artifact_kind::ArtifactKind;
use crate::blocking::blocking;
use crate::error::Error;
use crate::regular_file::open_regular_file;

/// The number of bytes at the start of a kernel that are checked.
const HEADER: u64 = 1024;

/// Checks that the file at `path` begins like a kernel for `architecture`. If the header states the
/// kernel's length, it also checks that the file is not shorter.
///
/// The sources for the headers are: x86, `Documentation/arch/x86/boot.rst` of the kernel; ARM and
/// RISC-V, `Documentation/arch/arm64/booting.rst` and
/// `Documentation/arch/riscv/boot-image-header.rst`; compressed EFI images,
/// `drivers/firmware/efi/libstub/zboot-header.S`; POWER, an ELF file for its machine type.
///
/// # Errors
/// [`Error::NotAKernel`] with a guess at the file's format, [`Error::EmptyArtifact`],
/// [`Error::NotAFile`], [`Error::Io`].
pub async fn check_kernel(path: &Path, architecture: Architecture) -> Result<(), Error> {
    let failed = |source| Error::io("read", path, source);
    let named = path.to_owned();
    let file = tokio::fs::File::from_std(blocking(move || open_regular_file(named)).await?);
    let size = file.metadata().await.map_err(failed)?.len();
    if size == 0 {
        return Err(Error::EmptyArtifact { kind: ArtifactKind::Kernel, path: path.to_owned() });
    }
    let mut header = Vec::new();
    file.take(HEADER).read_to_end(&mut header).await.map_err(failed)?;
    problem(&header, size, architecture).map_or(Ok(()), |found| {
        Err(Error::NotAKernel { path: path.to_owned(), architecture, found })
    })
}

/// Returns the problem with the first bytes of a file of `size` bytes, if there is one.
fn problem(header: &[u8], size: u64, architecture: Architecture) -> Option<String> {
    let at =
        |offset: usize, magic: &[u8]| header.get(offset..).is_some_and(|h| h.starts_with(magic));
    let is_efi = |machine| efi_machine(header) == Some(machine);
    let is_compressed_efi = |machine| is_efi(machine) && at(4, b"zimg");
    let recognised = match architecture {
        Architecture::X86_64 if at(0x202, b"HdrS") && at(0x1fe, &[0x55, 0xaa]) => {
            return x86_length_problem(header, size);
        }
        Architecture::X86_64 => false,
        Architecture::Aarch64 => at(56, b"ARM\x64") || is_compressed_efi(0xaa64),
        Architecture::Riscv64 => at(56, b"RSC\x05") || is_compressed_efi(0x5064),
        Architecture::Armv7l => at(0x24, &[0x18, 0x28, 0x6f, 0x01]),
        Architecture::Powerpc64le => at(0, b"\x7fELF\x02\x01") && at(18, &[21, 0]),
        Architecture::Loongarch64 => is_efi(0x6264),
    };
    if !recognised {
        return Some(looks_like(header));
    }
    if at(0, b"MZ") && at(4, b"zimg") { compressed_efi_length_problem(header, size) } else { None }
}

/// Returns the processor that an EFI program is for: the machine type in the header at the offset
/// that 0x3c holds (Microsoft's "PE Format").
fn efi_machine(header: &[u8]) -> Option<u16> {
    let offset = usize::try_from(u32_at(header, 0x3c)?).ok()?;
    let program = header.get(offset..)?;
    if !header.starts_with(b"MZ") || !program.starts_with(b"PE\0\0") {
        return None;
    }
    Some(u16::from_le_bytes(program.get(4..6)?.try_into().ok()?))
}

/// Checks the length of a compressed EFI image, which states the position and size of its payload.
fn compressed_efi_length_problem(header: &[u8], size: u64) -> Option<String> {
    let (begin, length) = (u32_at(header, 8)?, u32_at(header, 12)?);
    length_problem(u64::from(begin) + u64::from(length), size)
}

/// Checks the length of a bzImage, which has `setup_sects` sectors after the first, then `syssize`
/// units of 16 bytes.
fn x86_length_problem(header: &[u8], size: u64) -> Option<String> {
    let setup_sectors = match *header.get(0x1f1)? {
        0 => 4,
        sectors => u64::from(sectors),
    };
    let units = u32_at(header, 0x1f4)?;
    length_problem((setup_sectors + 1) * 512 + u64::from(units) * 16, size)
}

fn length_problem(needed: u64, size: u64) -> Option<String> {
    (size < needed).then(|| format!("it ends after {size} of {needed} bytes"))
}

fn u32_at(header: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(header.get(offset..offset + 4)?.try_into().ok()?))
}

fn looks_like(header: &[u8]) -> String {
    let text = String::from_utf8_lossy(header).trim_start().to_ascii_lowercase();
    let known: [(&[u8], &str); 7] = [
        (b"\x1f\x8b", "a gzip file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"\xfd7zXZ", "an xz file"),
        (b"070701", "a cpio archive, as initrds are"),
        (b"\x7fELF", "an ELF file"),
        (b"MZ", "an EFI program"),
        (b"#!", "a script"),
    ];
    if text.starts_with("<!doctype") || text.starts_with("<html") {
        return "it is an HTML page".to_owned();
    }
    match known.into_iter().find(|(magic, _)| header.starts_with(magic)) {
        Some((_, name)) => format!("it is {name}"),
        None => "its header is not a kernel's".to_owned(),
    }
}
