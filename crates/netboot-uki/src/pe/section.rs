//! The sections of EFI programs.

use std::ops::Range;

/// A section of an EFI program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// The name, such as `.linux`: at most 8 printable ASCII characters.
    pub name: String,
    /// The position of the section's first byte in the file.
    pub offset: u32,
    /// The number of bytes of content in the file, without the padding behind it.
    pub size: u32,
    /// The address in memory, from the start of the program.
    pub address: u32,
    /// The number of bytes in memory.
    pub memory_size: u32,
    /// False if the headers state no size in memory. Firmware then loads what the file has, and
    /// systemd's stub takes the section for one that is not there (`src/boot/pe.c` of systemd).
    pub(crate) has_memory_size: bool,
}

impl Section {
    /// The position of the content in the file.
    pub(crate) fn range(&self) -> Range<u64> {
        let start = u64::from(self.offset);
        start..start + u64::from(self.size)
    }
}
