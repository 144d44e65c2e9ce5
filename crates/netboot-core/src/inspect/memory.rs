//! The memory that a machine needs to unpack its initrds.

use crate::inspect::summary::InitrdSummary;

const MIB: u64 = 1024 * 1024;

/// The memory that firmware and a distribution's kernel use themselves, in bytes. Measurements with
/// Debian's kernel gave some 45 MiB with a BIOS and 80 MiB with UEFI.
const KERNEL: u64 = 96 * MIB;

/// The part of a machine's memory that describes the memory itself: 64 bytes for each page of 4096
/// bytes (`struct page`), and the same amount for other data that grows with it.
const PAGES_PER_PAGE_DESCRIPTION: u64 = 32;

/// Returns the least memory, in MiB, with which a machine unpacks initrds and starts their `init`.
///
/// Each initrd is given by its size in bytes and by the result of
/// [`inspect_initrd`](crate::inspect::inspect_initrd). The result holds for BIOS and UEFI. It does
/// not include the memory of the programs that the machine runs later. It is `None` if an initrd
/// has a compression that `inspect_initrd` does not read.
///
/// While a kernel unpacks an initrd, the packed initrd is still in memory: once with a BIOS, twice
/// with UEFI, where iPXE holds one copy and Linux makes another. The kernel unpacks to a tmpfs,
/// which uses at most half of the remaining memory (`shmem_default_max_blocks` in `mm/shmem.c`). So
/// the unpacked size counts twice. With less memory, the kernel prints `Initramfs unpacking failed:
/// write error` and continues without the files that did not fit. The kernel parameter
/// `rootfstype=ramfs` removes this limit, and then the unpacked size counts once.
pub fn least_memory_mib<'a>(
    initrds: impl IntoIterator<Item = (u64, &'a InitrdSummary)>,
) -> Option<u64> {
    let mut bytes = KERNEL;
    for (packed, summary) in initrds {
        if summary.unchecked.is_some() {
            return None;
        }
        // A file uses whole pages, and wastes half a page on average.
        let unpacked = summary.unpacked_bytes + summary.members * 2048;
        bytes = bytes.saturating_add(packed.saturating_add(unpacked).saturating_mul(2));
    }
    Some(bytes.saturating_add(bytes / PAGES_PER_PAGE_DESCRIPTION).div_ceil(MIB))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: u64, size: u64) -> InitrdSummary {
        let mut summary = InitrdSummary::new();
        (0..files).for_each(|number| summary.add(&number.to_string(), size, false));
        summary
    }

    #[test]
    fn packed_and_unpacked_size_count_twice() {
        let one = with(1, 100 * MIB);
        let alone = least_memory_mib([(0, &with(0, 0))]).unwrap();
        assert_eq!(alone, 99);
        assert_eq!(least_memory_mib([(60 * MIB, &one)]), Some(430));
        // Two are unpacked one after the other, into the same file system.
        let half = with(1, 50 * MIB);
        let both = least_memory_mib([(30 * MIB, &half), (30 * MIB, &half)]);
        assert_eq!(both, Some(430));
        // Small files take a page at least.
        assert!(least_memory_mib([(0, &with(10_000, 1))]).unwrap() > alone + 40);
    }

    #[test]
    fn what_was_not_looked_into_is_not_guessed() {
        let mut summary = with(1, 1);
        summary.unchecked = Some("xz");
        assert_eq!(least_memory_mib([(MIB, &summary)]), None);
    }
}
