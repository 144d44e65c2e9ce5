//! Kernels in UKIs.

use netboot_core::Architecture;
use object::LittleEndian;
use object::pe::{ImageDosHeader, ImageNtHeaders64};
use object::read::pe::ImageNtHeaders;

use crate::pe::headers::{EFI_SUBSYSTEMS, NX_COMPATIBLE};
use crate::pe::problem::PeProblem;

/// The greatest length of a version in bytes (`__NEW_UTS_LEN` of Linux).
pub(super) const RELEASE_LIMIT: usize = 64;

/// The facts about a kernel that its headers state.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    /// The version that `uname -r` prints, if the kernel states it.
    pub(crate) release: Option<String>,
    /// True if it runs where data cannot be executed.
    pub(crate) is_nx: bool,
}

impl Kernel {
    /// Reads the start of a kernel. The stub starts it as an EFI program, so that a compressed
    /// `Image.gz` or a kernel for another processor cannot start.
    pub(crate) fn parse(start: &[u8], architecture: Architecture) -> Result<Self, PeProblem> {
        let problem = |reason: &str| PeProblem::Kernel { reason: reason.to_owned() };
        if start.starts_with(b"\x1f\x8b") {
            return Err(problem("it is compressed by gzip"));
        }
        let dos = ImageDosHeader::parse(start).map_err(|_| problem("it is no EFI program"))?;
        let mut offset = u64::from(dos.nt_headers_offset());
        let (headers, _) = ImageNtHeaders64::parse(start, &mut offset)
            .map_err(|_| problem("it is no 64-bit EFI program"))?;
        let machine = match architecture {
            Architecture::X86_64 => 0x8664,
            _ => 0xaa64,
        };
        if headers.file_header.machine.get(LittleEndian).0 != machine {
            return Err(PeProblem::Kernel { reason: format!("it is not for {architecture}") });
        }
        if !EFI_SUBSYSTEMS.contains(&headers.optional_header.subsystem.get(LittleEndian).0) {
            return Err(problem("it is for another subsystem than UEFI"));
        }
        let flags = headers.optional_header.dll_characteristics.get(LittleEndian).0;
        Ok(Self { release: release(start), is_nx: flags & NX_COMPATIBLE != 0 })
    }
}

/// Reads the version that the header of a `bzImage` states: the first word of the text to which
/// `kernel_version` points (`Documentation/arch/x86/boot.rst` of Linux).
fn release(start: &[u8]) -> Option<String> {
    if start.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let offset = u16::from_le_bytes(start.get(0x20e..0x210)?.try_into().ok()?);
    let text = start.get(usize::from(offset) + 0x200..)?;
    if offset == 0 { None } else { first_version(text) }
}

/// The version at the start of a text, if a space or a NUL ends it.
pub(super) fn first_version(text: &[u8]) -> Option<String> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_.+~".contains(byte);
    let word: Vec<u8> = text.iter().take(RELEASE_LIMIT + 1).take_while(is_part).copied().collect();
    let is_version = word.first().is_some_and(u8::is_ascii_digit)
        && word.len() <= RELEASE_LIMIT
        && matches!(text.get(word.len()), Some(b' ' | b'\0'));
    if is_version { String::from_utf8(word).ok() } else { None }
}
