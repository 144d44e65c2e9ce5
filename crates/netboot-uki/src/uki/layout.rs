//! The places of a program's new sections, as `ukify` of systemd 257 chooses them.

use object::LittleEndian as LE;
use object::pe::{ImageSectionHeader, SectionFlags};
use object::pod::bytes_of;
use object::{U16, U32};

use crate::pe::headers::{
    DLL_FLAGS, Headers, IMAGE_SIZE, INITIALIZED_DATA, NX_COMPATIBLE, SECTION_COUNT,
};
use crate::pe::problem::PeProblem;
use crate::stub::StubFile;
use crate::uki::part::Part;

/// `IMAGE_SCN_MEM_READ` with `IMAGE_SCN_CNT_CODE` for a kernel, and with
/// `IMAGE_SCN_CNT_INITIALIZED_DATA` for everything else.
const KERNEL_FLAGS: u32 = 0x4000_0020;
const DATA_FLAGS: u32 = 0x4000_0040;

/// The headers of a program with its new sections.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The bytes of the headers, as long as those of the stub.
    pub(crate) bytes: Vec<u8>,
    /// The sizes of the parts, and of the padding behind each one.
    pub(crate) sizes: Vec<(u64, u64)>,
    /// The size of the file in bytes.
    pub(crate) size: u64,
}

impl Layout {
    /// Places `parts` behind the sections of a stub. `is_nx` is false for a kernel that does not
    /// run where data cannot be executed. The program then must not promise it either.
    pub(crate) fn new(stub: &StubFile, parts: &[Part], is_nx: bool) -> Result<Self, PeProblem> {
        let headers = &stub.headers;
        let mut bytes = stub.bytes[..headers.size as usize].to_vec();
        let last = headers.sections.last();
        let mut address =
            last.map_or(headers.size, |last| last.address.saturating_add(last.memory_size));
        let (mut position, mut initialized) = (headers.sections_end, headers.initialized_data);
        let mut table_end = headers.table_end;
        let mut sizes = Vec::new();
        for part in parts {
            if headers.section(part.name).is_some() {
                return Err(PeProblem::DuplicateSection { section: part.name.to_owned() });
            }
            let size = narrow(part.size())?;
            let stored = round_up(size, headers.file_alignment)?;
            address = round_up(address, headers.section_alignment)?;
            let mut name = [0; 8];
            name[..part.name.len()].copy_from_slice(part.name.as_bytes());
            let is_kernel = part.name == Part::KERNEL;
            let flags = if is_kernel { KERNEL_FLAGS } else { DATA_FLAGS };
            let header = ImageSectionHeader {
                name,
                virtual_size: U32::new(LE, size),
                virtual_address: U32::new(LE, address),
                size_of_raw_data: U32::new(LE, stored),
                pointer_to_raw_data: U32::new(LE, narrow(position)?),
                pointer_to_relocations: U32::default(),
                pointer_to_linenumbers: U32::default(),
                number_of_relocations: U16::default(),
                number_of_linenumbers: U16::default(),
                characteristics: U32::new(LE, SectionFlags(flags)),
            };
            let header = bytes_of(&header);
            let place = bytes.get_mut(table_end..table_end + header.len());
            place.ok_or(PeProblem::NoRoom { section: part.name })?.copy_from_slice(header);
            table_end += header.len();
            address = address.checked_add(size).ok_or(PeProblem::TooLarge)?;
            initialized = initialized.checked_add(size).ok_or(PeProblem::TooLarge)?;
            position += u64::from(stored);
            sizes.push((u64::from(size), u64::from(stored - size)));
        }
        // The position of the table of signatures has to fit as well.
        narrow(position + u64::from(u16::MAX))?;
        let count = headers.sections.len() + parts.len();
        let count = u16::try_from(count).map_err(|_| PeProblem::TooLarge)?;
        let flags = if is_nx { headers.dll_flags } else { headers.dll_flags & !NX_COMPATIBLE };
        let mut set = |field: usize, value: &[u8]| {
            let start = headers.start + field;
            bytes[start..start + value.len()].copy_from_slice(value);
        };
        set(SECTION_COUNT, &count.to_le_bytes());
        set(INITIALIZED_DATA, &initialized.to_le_bytes());
        set(IMAGE_SIZE, &round_up(address, headers.section_alignment)?.to_le_bytes());
        set(DLL_FLAGS, &flags.to_le_bytes());
        Ok(Self { bytes, sizes, size: position })
    }

    /// The headers as they are read again.
    pub(crate) fn headers(&self) -> Result<Headers, PeProblem> {
        Headers::parse(&self.bytes, self.size)
    }
}

fn narrow(value: u64) -> Result<u32, PeProblem> {
    u32::try_from(value).map_err(|_| PeProblem::TooLarge)
}

fn round_up(value: u32, alignment: u32) -> Result<u32, PeProblem> {
    value.checked_next_multiple_of(alignment).ok_or(PeProblem::TooLarge)
}
