//! Kernels in UKIs.

use netboot_core::Architecture;
use object::LittleEndian;
use object::pe::{ImageDosHeader, ImageNtHeaders64};
use object::read::pe::ImageNtHeaders;

use crate::pe::headers::{EFI_SUBSYSTEMS, NX_COMPATIBLE};
use crate::pe::problem::PeProblem;

/// The facts about a kernel that its headers state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernel {
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
        Ok(Self { is_nx: flags & NX_COMPATIBLE != 0 })
    }
}
