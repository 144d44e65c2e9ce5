//! The headers of EFI programs (Microsoft's "PE Format").

use std::ops::Range;

use netboot_core::Architecture;
use object::LittleEndian;
use object::pe::{
    IMAGE_DIRECTORY_ENTRY_SECURITY, ImageDosHeader, ImageNtHeaders64, ImageSectionHeader,
};
use object::read::pe::ImageNtHeaders;

use crate::pe::problem::PeProblem;
use crate::pe::section::Section;

/// The greatest size of headers in bytes, and so the number of bytes that are read for them. The
/// headers of systemd's stubs have up to 20 KiB.
pub(crate) const HEADERS_LIMIT: u32 = 64 * 1024;

/// The positions of fields behind the signature `PE\0\0`, which is 4 bytes long.
pub(crate) const SECTION_COUNT: usize = 4 + 2;
pub(crate) const INITIALIZED_DATA: usize = 24 + 8;
pub(crate) const IMAGE_SIZE: usize = 24 + 56;
pub(crate) const CHECKSUM: usize = 24 + 64;
pub(crate) const DLL_FLAGS: usize = 24 + 70;
/// The entry of the table of signatures among the data directories.
const SIGNATURES: usize = 24 + 112 + 8 * IMAGE_DIRECTORY_ENTRY_SECURITY;

/// The subsystems of EFI applications and of drivers for the boot and at run time.
pub(crate) const EFI_SUBSYSTEMS: std::ops::RangeInclusive<u16> = 10..=12;

/// The flag of programs that run where data cannot be executed.
pub(crate) const NX_COMPATIBLE: u16 = 0x0100;

/// The checked headers of an EFI program. Its headers, its sections and its signatures follow each
/// other without a gap, so that every rule for the digest of a program gives the same one.
#[derive(Debug, Clone)]
pub(crate) struct Headers {
    pub(crate) architecture: Architecture,
    pub(crate) sections: Vec<Section>,
    /// The position of the signature `PE\0\0`.
    pub(crate) start: usize,
    /// The end of the table of sections.
    pub(crate) table_end: usize,
    /// The size of the headers, a multiple of `file_alignment`.
    pub(crate) size: u32,
    pub(crate) file_alignment: u32,
    pub(crate) section_alignment: u32,
    pub(crate) initialized_data: u32,
    pub(crate) dll_flags: u16,
    /// The checksum that the headers state.
    pub(crate) checksum: u32,
    /// The end of the last section in the file.
    pub(crate) sections_end: u64,
    /// The position of the table of signatures; empty, at the end of the file, without one.
    pub(crate) signatures: Range<u64>,
}

impl Headers {
    /// Reads the headers from the start of a file of `length` bytes. `start` has all of them, or
    /// its first [`HEADERS_LIMIT`] bytes.
    pub(crate) fn parse(start: &[u8], length: u64) -> Result<Self, PeProblem> {
        let wrong = |reason| PeProblem::Headers { reason };
        if length > u64::from(u32::MAX) {
            return Err(PeProblem::TooLarge);
        }
        let dos = ImageDosHeader::parse(start).map_err(|_| wrong("it does not begin with MZ"))?;
        let position = dos.nt_headers_offset();
        if position % 8 != 0 {
            return Err(wrong("the position of its headers is not a multiple of 8"));
        }
        let mut offset = u64::from(position);
        let (headers, directories) = ImageNtHeaders64::parse(start, &mut offset)
            .map_err(|_| wrong("it has no headers of a 64-bit program"))?;
        let table = headers
            .sections(start, offset)
            .map_err(|_| wrong("its table of sections is cut off"))?;
        let le = LittleEndian;
        let optional = &headers.optional_header;
        let architecture = match headers.file_header.machine.get(le).0 {
            0x8664 => Architecture::X86_64,
            0xaa64 => Architecture::Aarch64,
            machine => return Err(PeProblem::Machine { machine }),
        };
        if !EFI_SUBSYSTEMS.contains(&optional.subsystem.get(le).0) {
            return Err(wrong("it is for another subsystem than UEFI"));
        }
        let directory_count = optional.number_of_rva_and_sizes.get(le);
        let optional_size = u32::from(headers.file_header.size_of_optional_header.get(le));
        if directory_count > 16 || optional_size != 112 + 8 * directory_count {
            return Err(wrong("its number of data directories does not fit its headers"));
        }
        let (file_alignment, section_alignment) =
            (optional.file_alignment.get(le), optional.section_alignment.get(le));
        let is_alignment = |value: u32| value.is_power_of_two() && value <= 64 * 1024;
        if !is_alignment(file_alignment) || !is_alignment(section_alignment) {
            return Err(wrong("its alignment is no power of two, or is above 64 KiB"));
        }
        let table_end = offset + 40 * table.len() as u64;
        let size = optional.size_of_headers.get(le);
        if u64::from(size) < table_end {
            return Err(wrong("its table of sections is longer than its headers"));
        }
        if size > HEADERS_LIMIT || u64::from(size) > length {
            return Err(wrong("its headers are longer than the file, or than 64 KiB"));
        }
        if size % file_alignment != 0 {
            return Err(wrong("the size of its headers is not aligned"));
        }
        let image_size = optional.size_of_image.get(le);
        let (sections, sections_end) =
            check_sections(table.iter(), (size, section_alignment, image_size), length)?;
        let entry = directories.iter().nth(IMAGE_DIRECTORY_ENTRY_SECURITY);
        let entry = entry.ok_or(wrong("it has no place for signatures"))?;
        let signatures =
            signatures(entry.virtual_address.get(le), entry.size.get(le), sections_end, length)?;
        let narrow = |value: u64| usize::try_from(value).map_err(|_| PeProblem::TooLarge);
        Ok(Self {
            architecture,
            sections,
            start: narrow(u64::from(position))?,
            table_end: narrow(table_end)?,
            size,
            file_alignment,
            section_alignment,
            initialized_data: optional.size_of_initialized_data.get(le),
            dll_flags: optional.dll_characteristics.get(le).0,
            checksum: optional.check_sum.get(le),
            sections_end,
            signatures,
        })
    }

    /// The position of the checksum in the file.
    pub(crate) fn checksum_position(&self) -> usize {
        self.start + CHECKSUM
    }

    /// The position of the entry that names the table of signatures.
    pub(crate) fn signatures_position(&self) -> usize {
        self.start + SIGNATURES
    }

    /// The number of zeros between the content and signatures, which begin at a multiple of 8.
    pub(crate) fn padding(&self) -> u64 {
        self.signatures.start.wrapping_neg() % 8
    }

    /// The only section of this name, if there is one.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

/// Checks the table of sections. Returns them, and the end of the last one in the file.
fn check_sections<'a>(
    table: impl Iterator<Item = &'a ImageSectionHeader>,
    (headers, alignment, image_size): (u32, u32, u32),
    length: u64,
) -> Result<(Vec<Section>, u64), PeProblem> {
    let le = LittleEndian;
    let (mut end, mut memory_end) = (u64::from(headers), u64::from(headers));
    let mut sections = Vec::new();
    for header in table {
        let name = name(header.name)?;
        let section = || PeProblem::named(&name);
        let (offset, stored) =
            (header.pointer_to_raw_data.get(le), header.size_of_raw_data.get(le));
        let (address, memory_size) = (header.virtual_address.get(le), header.virtual_size.get(le));
        // The firmware then loads what is in the file (`PeCoffLoaderLoadImage` of EDK II).
        let has_memory_size = memory_size != 0;
        let memory_size = if has_memory_size { memory_size } else { stored };
        // A section without bytes in the file may have any position.
        if stored > 0 {
            if u64::from(offset) != end {
                return Err(PeProblem::SectionMisplaced { section: section() });
            }
            end += u64::from(stored);
            if end > length {
                return Err(PeProblem::SectionOutside { section: section() });
            }
        }
        if u64::from(address) < memory_end || address % alignment != 0 {
            return Err(PeProblem::SectionAddress { section: section() });
        }
        memory_end = u64::from(address) + u64::from(memory_size);
        if memory_end > u64::from(image_size) {
            return Err(PeProblem::SectionOutside { section: section() });
        }
        let size = stored.min(memory_size);
        sections.push(Section { name, offset, size, address, memory_size, has_memory_size });
    }
    Ok((sections, end))
}

/// The name of a section: up to 8 bytes, padded with zeros.
fn name(bytes: [u8; 8]) -> Result<String, PeProblem> {
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (name, padding) = bytes.split_at(length);
    let is_plain = name.iter().all(u8::is_ascii_graphic) && padding.iter().all(|byte| *byte == 0);
    match String::from_utf8(name.to_vec()) {
        Ok(name) if is_plain => Ok(name),
        _ => Err(PeProblem::SectionName),
    }
}

/// Checks the position of the table of signatures, which must end the file.
fn signatures(
    position: u32,
    size: u32,
    sections_end: u64,
    length: u64,
) -> Result<Range<u64>, PeProblem> {
    if size == 0 {
        return Ok(length..length);
    }
    let range = u64::from(position)..u64::from(position) + u64::from(size);
    if range.start % 8 != 0 || range.start < sections_end || range.end != length {
        return Err(PeProblem::SignatureTable);
    }
    Ok(range)
}
