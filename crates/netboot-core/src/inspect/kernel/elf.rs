//! POWER kernels, which are ELF files for its machine type.

use std::fs::File;
use std::os::unix::fs::FileExt;

use object::LittleEndian;
use object::elf::{EM_PPC64, FileHeader64, SHT_NOBITS, SectionHeader64};
use object::pod::slice_from_all_bytes;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::file_start::{FileStart, Unfit};

type Header = FileHeader64<LittleEndian>;

/// Checks that the file has all segments and sections.
pub(super) fn check(file: &File, start: &FileStart) -> Result<(), Unfit> {
    let endian = LittleEndian;
    let header = Header::parse(start.bytes()).ok();
    let Some(header) =
        header.filter(|header| header.is_little_endian() && header.e_machine(endian) == EM_PPC64)
    else {
        return Err(Unfit::Unrecognised);
    };
    let count = u64::from(header.e_phnum(endian));
    let size = u64::from(header.e_phentsize(endian));
    start.require(header.e_phoff(endian).saturating_add(count * size))?;
    let damaged = |error| Unfit::problem(format!("its ELF header is damaged: {error}"));
    let segments = header.program_headers(endian, start.bytes()).map_err(damaged)?;
    if segments.is_empty() {
        return Err(Unfit::problem("it is an ELF file without segments"));
    }
    for segment in segments {
        start.require(segment.p_offset(endian).saturating_add(segment.p_filesz(endian)))?;
    }
    for section in sections(file, start, header)? {
        if section.sh_type(endian) != SHT_NOBITS {
            start.require(section.sh_offset(endian).saturating_add(section.sh_size(endian)))?;
        }
    }
    Ok(())
}

/// Reads the table of sections, which linkers write at the end of a file. It has at most 4 MiB.
fn sections(
    file: &File,
    start: &FileStart,
    header: &Header,
) -> Result<Vec<SectionHeader64<LittleEndian>>, Unfit> {
    let endian = LittleEndian;
    let count = u64::from(header.e_shnum(endian));
    let size = u64::from(header.e_shentsize(endian));
    let position = header.e_shoff(endian);
    start.require(position.saturating_add(count * size))?;
    if position == 0 || count == 0 {
        return Ok(Vec::new());
    }
    let mut bytes = vec![0; usize::try_from(count * size).unwrap_or(0)];
    file.read_exact_at(&mut bytes, position).map_err(Unfit::Unreadable)?;
    slice_from_all_bytes(&bytes)
        .map(<[_]>::to_vec)
        .map_err(|()| Unfit::problem("its ELF header is damaged: a section has another size"))
}
