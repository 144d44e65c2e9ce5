use std::path::Path;

use tokio::io::AsyncReadExt;

use crate::{Architecture, ArtifactKind, Error};

/// How many bytes of a kernel's begin are looked at.
const HEADER: u64 = 1024;

/// Checks that the file at `path` begins as a kernel for `architecture` does, and, where its
/// header says how long it is, that it is that long.
///
/// The headers: x86, `Documentation/arch/x86/boot.rst` of the kernel; ARM and RISC-V,
/// `Documentation/arch/arm64/booting.rst` and `Documentation/arch/riscv/boot-image-header.rst`;
/// compressed EFI images, `drivers/firmware/efi/libstub/zboot-header.S`.
///
/// # Errors
/// [`Error::NotAKernel`] with what the file looks like instead, [`Error::EmptyArtifact`],
/// [`Error::NotAFile`], [`Error::Io`].
pub async fn check_kernel(path: &Path, architecture: Architecture) -> Result<(), Error> {
    let failed = |source| Error::io("read", path, source);
    // Asked before it is opened: opening a named pipe waits for its writer.
    let metadata = tokio::fs::metadata(path).await.map_err(failed)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    let size = metadata.len();
    if size == 0 {
        return Err(Error::EmptyArtifact { kind: ArtifactKind::Kernel, path: path.to_owned() });
    }
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut header = Vec::new();
    file.take(HEADER).read_to_end(&mut header).await.map_err(failed)?;
    problem(&header, size, architecture).map_or(Ok(()), |found| {
        Err(Error::NotAKernel { path: path.to_owned(), architecture, found })
    })
}

/// What speaks against these first bytes of a file of `size` bytes.
fn problem(header: &[u8], size: u64, architecture: Architecture) -> Option<String> {
    let at =
        |offset: usize, magic: &[u8]| header.get(offset..).is_some_and(|h| h.starts_with(magic));
    let is_compressed_efi = at(0, b"MZ") && at(4, b"zimg");
    let recognised = match architecture {
        Architecture::X86_64 if at(0x202, b"HdrS") && at(0x1fe, &[0x55, 0xaa]) => {
            return x86_length_problem(header, size);
        }
        Architecture::X86_64 => false,
        Architecture::Aarch64 => at(56, b"ARM\x64") || is_compressed_efi,
        Architecture::Riscv64 => at(56, b"RSC\x05") || is_compressed_efi,
        Architecture::Armv7l => at(0x24, &[0x18, 0x28, 0x6f, 0x01]),
        Architecture::Powerpc64le => at(0, b"\x7fELF"),
        Architecture::Loongarch64 => at(0, b"MZ"),
    };
    (!recognised).then(|| looks_like(header))
}

/// A bzImage holds `setup_sects` sectors after the first, then `syssize` units of 16 bytes.
fn x86_length_problem(header: &[u8], size: u64) -> Option<String> {
    let setup_sectors = match *header.get(0x1f1)? {
        0 => 4,
        sectors => u64::from(sectors),
    };
    let units: [u8; 4] = header.get(0x1f4..0x1f8)?.try_into().ok()?;
    let needed = (setup_sectors + 1) * 512 + u64::from(u32::from_le_bytes(units)) * 16;
    (size < needed).then(|| format!("it ends after {size} of {needed} bytes"))
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
