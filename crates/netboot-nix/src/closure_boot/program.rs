//! Checks of the program of stage 1, before machines get it.

use std::fs;
use std::path::Path;

use netboot_core::Architecture;
use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Endianness, File, Object};

use crate::error::Error;

/// The architecture that a program runs on, or `None` if it is not an ELF file, such as a script.
///
/// # Errors
/// [`Error::InvalidOption`] for a program that needs a dynamic linker outside the Nix store, which
/// the initrd does not have. [`Error::Io`].
pub(super) fn architecture(program: &Path) -> Result<Option<Architecture>, Error> {
    let bytes = fs::read(program).map_err(|source| Error::io("read", program, source))?;
    let Ok(file) = File::parse(&*bytes) else { return Ok(None) };
    let linker = match &file {
        File::Elf32(file) => linker::<FileHeader32<Endianness>>(file),
        File::Elf64(file) => linker::<FileHeader64<Endianness>>(file),
        _ => return Ok(None),
    };
    if linker.is_some_and(|linker| !linker.starts_with(b"/nix/store/")) {
        let option = format!("`closure_boot` {}", program.display());
        let problem = "it needs a dynamic linker that is not in the initrd: link it statically, \
                       or let Nix build it";
        return Err(Error::InvalidOption { option, problem });
    }
    Ok(match file.architecture() {
        object::Architecture::X86_64 => Some(Architecture::X86_64),
        object::Architecture::Aarch64 => Some(Architecture::Aarch64),
        object::Architecture::Riscv64 => Some(Architecture::Riscv64),
        object::Architecture::Arm => Some(Architecture::Armv7l),
        object::Architecture::PowerPc64 => Some(Architecture::Powerpc64le),
        object::Architecture::LoongArch64 => Some(Architecture::Loongarch64),
        _ => None,
    })
}

/// The path of the dynamic linker that a program names.
fn linker<'data, Header>(file: &ElfFile<'data, Header>) -> Option<&'data [u8]>
where
    Header: FileHeader<Endian = Endianness>,
{
    let mut headers = file.elf_program_headers().iter();
    headers.find_map(|header| header.interpreter(file.endian(), file.data()).ok().flatten())
}
