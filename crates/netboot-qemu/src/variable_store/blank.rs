//! A store without variables, as firmware for ARM makes it in an empty flash memory.

use super::{AUTHENTICATED, STORE_HEADER, STORE_STATES, VOLUME_HEADER, VOLUME_SIGNATURE};

/// The length of a block of QEMU's flash memory (`VIRT_FLASH` in QEMU's `hw/arm/virt.c`).
const BLOCK: usize = 0x4_0000;

/// The number of blocks: the variables, the record of a write, and the copy of what it replaces
/// (`ArmVirtPkg/VarStore.fdf.inc` of EDK II).
const BLOCKS: usize = 3;

/// `gEfiSystemNvDataFvGuid`: a volume with variables.
const VARIABLES: uuid::Uuid = uuid::uuid!("fff12b8d-7696-4c8b-a985-2747075b4f50");

/// The place of the checksum in the header of the volume.
const CHECKSUM: usize = 0x32;

/// The attributes of the volume in `VarStore.fdf.inc`: it can be read, written and locked.
const ATTRIBUTES: u32 = 0x0000_0e36;

/// Writes a store without variables into a flash memory in which all bytes are zero. Debian's
/// `AAVMF_VARS.fd` is such a file. Returns false if it has other bytes, or is too small.
pub(super) fn format(flash: &mut [u8]) -> bool {
    let all_blocks = flash.len() / BLOCK;
    let Some(blocks) = flash.get_mut(..BLOCK * BLOCKS) else { return false };
    if blocks.iter().any(|byte| *byte != 0) {
        return false;
    }
    blocks.fill(0xff);
    for (byte, value) in blocks.iter_mut().zip(headers(all_blocks)) {
        *byte = value;
    }
    true
}

/// The header of the volume (`EFI_FIRMWARE_VOLUME_HEADER`), and that of the store. Firmware lists
/// all blocks of the flash memory in it (`NorFlashDxe` of EDK II).
fn headers(all_blocks: usize) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap_or_default().to_le_bytes();
    let mut volume = vec![0; 16];
    volume.extend(VARIABLES.to_bytes_le());
    volume.extend(number(BLOCK * BLOCKS));
    volume.extend(number(0));
    volume.extend(VOLUME_SIGNATURE.1);
    volume.extend(ATTRIBUTES.to_le_bytes());
    volume.extend([0x48, 0, 0, 0]);
    // No further header, and the second revision of the format.
    volume.extend([0, 0, 0, 2]);
    // The blocks, and the end of the list of blocks.
    for part in [all_blocks, BLOCK, 0, 0] {
        volume.extend(number(part));
    }
    // The numbers of 16 bits in the header add up to zero.
    let (pairs, _) = volume.as_chunks();
    let sum = pairs.iter().fold(0_u16, |sum, pair| sum.wrapping_add(u16::from_le_bytes(*pair)));
    if let Some(checksum) = volume.get_mut(CHECKSUM..CHECKSUM + 2) {
        checksum.copy_from_slice(&sum.wrapping_neg().to_le_bytes());
    }
    volume.extend(AUTHENTICATED.to_bytes_le());
    volume.extend(number(BLOCK - VOLUME_HEADER));
    volume.extend(STORE_STATES);
    volume.extend([0; STORE_HEADER - 16 - 4 - STORE_STATES.len()]);
    volume
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_store_begins_as_the_one_that_firmware_made() {
        let made = fs::read("/usr/share/AAVMF/AAVMF_VARS.snakeoil.fd").unwrap();
        let mut flash = vec![0; made.len()];
        assert!(format(&mut flash));
        let end = VOLUME_HEADER + STORE_HEADER;
        assert_eq!(flash[..end], made[..end]);
        assert!(flash[end..BLOCK * BLOCKS].iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn only_an_empty_flash_memory_gets_a_store() {
        let mut small = vec![0; BLOCK * BLOCKS - 1];
        assert!(!format(&mut small));
        let mut used = vec![0; BLOCK * BLOCKS];
        used[BLOCK] = 1;
        assert!(!format(&mut used));
        assert!(small.iter().all(|byte| *byte == 0) && used[0] == 0);
    }
}
