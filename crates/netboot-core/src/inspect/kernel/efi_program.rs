//! EFI programs, which most kernels are as well (Microsoft's "PE Format").

use object::LittleEndian;
use object::pe::{IMAGE_DIRECTORY_ENTRY_SECURITY, ImageNtHeaders32, ImageNtHeaders64};
use object::read::FileKind;
use object::read::pe::{ImageNtHeaders, PeFile};

use super::file_start::{FileStart, Unfit};

/// The processor that a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine(u16);

impl Machine {
    pub(super) const ARM64: Self = Self(0xaa64);
    pub(super) const RISCV64: Self = Self(0x5064);
    pub(super) const LOONGARCH64: Self = Self(0x6264);
}

/// The properties of a program that its headers state.
pub(super) struct Program {
    pub(super) machine: Machine,
    /// The length in bytes of a file that contains all parts.
    pub(super) length: u64,
}

/// Checks that a file is a whole program for `machine`.
pub(super) fn check(start: &FileStart, machine: Machine) -> Result<(), Unfit> {
    let program = match read(start) {
        Some(Ok(program)) if program.machine == machine => program,
        Some(Ok(_)) | None => return Err(Unfit::Unrecognised),
        Some(Err(unfit)) => return Err(unfit),
    };
    start.require(program.length.max(payload_end(start)))
}

/// Reads the headers of a program, or `None` if the file is not one.
pub(super) fn read(start: &FileStart) -> Option<Result<Program, Unfit>> {
    let bytes = start.bytes();
    let program = match FileKind::parse(bytes).ok()? {
        FileKind::Pe32 => read_headers::<ImageNtHeaders32>(bytes),
        FileKind::Pe64 => read_headers::<ImageNtHeaders64>(bytes),
        _ => return None,
    };
    Some(program.map_err(|error| {
        Unfit::problem(format!("its header as an EFI program is damaged: {error}"))
    }))
}

fn read_headers<Headers: ImageNtHeaders>(bytes: &[u8]) -> object::Result<Program> {
    let file = PeFile::<Headers>::parse(bytes)?;
    let machine = file.nt_headers().file_header().machine.get(LittleEndian);
    let sections = file.section_table();
    let sections = sections.iter().map(|section| {
        // A section without bytes in the file may have any position.
        let size = u64::from(section.size_of_raw_data.get(LittleEndian));
        let position = u64::from(section.pointer_to_raw_data.get(LittleEndian));
        if size == 0 { 0 } else { position + size }
    });
    // The position of the certificates is one in the file, unlike that of other tables.
    let certificates = file.data_directory(IMAGE_DIRECTORY_ENTRY_SECURITY).map(|table| {
        let size = u64::from(table.size.get(LittleEndian));
        let position = u64::from(table.virtual_address.get(LittleEndian));
        if size == 0 { 0 } else { position + size }
    });
    let length = sections.chain(certificates).max().unwrap_or(0);
    Ok(Program { machine: Machine(machine.0), length })
}

/// The end of the payload of a compressed EFI program, or zero for another program
/// (`drivers/firmware/efi/libstub/zboot-header.S` of the kernel).
fn payload_end(start: &FileStart) -> u64 {
    match (start.u32_at(8), start.u32_at(12)) {
        (Some(position), Some(length)) if start.has(4, b"zimg") => {
            u64::from(position) + u64::from(length)
        }
        _ => 0,
    }
}
