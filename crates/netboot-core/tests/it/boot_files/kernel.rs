//! Minimal kernels of the architectures other than x86, whose headers state their length.

/// An EFI program for this machine (`IMAGE_FILE_HEADER.Machine`): the headers, and one section of
/// 512 bytes from byte 512 (Microsoft's "PE Format").
pub(crate) fn efi_program(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    let mut put = |offset: usize, value: &[u8]| {
        bytes[offset..offset + value.len()].copy_from_slice(value);
    };
    put(0, b"MZ");
    put(0x3c, &64_u32.to_le_bytes());
    put(64, b"PE\0\0");
    put(68, &machine.to_le_bytes());
    // One section; an optional header of 240 bytes, for 64 bits, with 16 tables.
    put(70, &1_u16.to_le_bytes());
    put(84, &240_u16.to_le_bytes());
    put(88, &0x020b_u16.to_le_bytes());
    put(88 + 108, &16_u32.to_le_bytes());
    let section = 88 + 240;
    put(section, b".text");
    for (offset, value) in [(8, 512_u32), (12, 4096), (16, 512), (20, 512)] {
        put(section + offset, &value.to_le_bytes());
    }
    bytes
}

/// An `Image` with this magic number, which is an EFI program as well.
pub(crate) fn image(machine: u16, magic: &[u8]) -> Vec<u8> {
    let mut bytes = efi_program(machine);
    bytes[56..60].copy_from_slice(magic);
    bytes
}

/// Adds a certificate of 1472 bytes, like that of Debian's kernels, to an EFI program.
pub(crate) fn signed(mut program: Vec<u8>) -> Vec<u8> {
    let position = u32::try_from(program.len()).unwrap();
    let table = 88 + 112 + 4 * 8;
    program[table..table + 4].copy_from_slice(&position.to_le_bytes());
    program[table + 4..table + 8].copy_from_slice(&1472_u32.to_le_bytes());
    program.resize(program.len() + 1472, 0x30);
    program
}

/// A compressed EFI program for this machine, with a payload of 1024 bytes from byte 512, of which
/// the last 512 bytes are in no section.
pub(crate) fn compressed(machine: u16) -> Vec<u8> {
    let mut bytes = efi_program(machine);
    bytes.resize(512 + 1024, 0);
    bytes[4..8].copy_from_slice(b"zimg");
    bytes[8..12].copy_from_slice(&512_u32.to_le_bytes());
    bytes[12..16].copy_from_slice(&1024_u32.to_le_bytes());
    bytes
}

/// A 32-bit ARM kernel of 600 bytes, linked for another address than zero.
pub(crate) fn z_image() -> Vec<u8> {
    let mut bytes = vec![0; 600];
    for (offset, value) in [(0x24, 0x016f_2818_u32), (0x28, 0x8000), (0x2c, 0x8000 + 600)] {
        bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// A 64-bit little-endian ELF file for this machine (`e_machine`): a segment of 256 bytes, and then
/// the table of sections.
pub(crate) fn elf(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let mut put = |offset: usize, value: &[u8]| {
        bytes[offset..offset + value.len()].copy_from_slice(value);
    };
    put(0, b"\x7fELF\x02\x01\x01");
    put(18, &machine.to_le_bytes());
    put(32, &64_u64.to_le_bytes());
    put(40, &384_u64.to_le_bytes());
    // The sizes of the headers, and one segment and two sections.
    for (offset, value) in [(52, 64_u16), (54, 56), (56, 1), (58, 64), (60, 2)] {
        put(offset, &value.to_le_bytes());
    }
    // The segment: loaded from byte 128.
    put(64, &1_u32.to_le_bytes());
    put(64 + 8, &128_u64.to_le_bytes());
    put(64 + 32, &256_u64.to_le_bytes());
    bytes
}
