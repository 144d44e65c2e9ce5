//! The memory that a machine needs to unpack its initrds and to assemble its closure.

use crate::closure::ClosureManifest;
use crate::inspect::summary::InitrdSummary;

const MIB: u64 = 1024 * 1024;

/// The memory that firmware and a distribution's kernel use themselves, in bytes. Measurements with
/// Debian's kernel gave some 45 MiB with a BIOS and 80 MiB with UEFI.
const KERNEL: u64 = 96 * MIB;

/// The part of a machine's memory that describes the memory itself: 64 bytes for each page of 4096
/// bytes (`struct page`), and the same amount for other data that grows with it.
const PAGES_PER_PAGE_DESCRIPTION: u64 = 32;

/// The memory that firmware and kernel use while a machine assembles its closure, in bytes. With
/// UEFI and Debian's kernel, measurements gave 64 MiB.
const KERNEL_ASSEMBLING: u64 = 72 * MIB;

/// The memory that a file, directory or link of a closure takes in a tmpfs besides its pages.
const INODE: u64 = 1024;

/// The memory that `netboot-stage1` wants to see free besides the store: 200 MiB for the system
/// that it starts, 64 MiB for the kernel, and 10 MiB for each of its 4 connections.
const BESIDE_CLOSURE: u64 = (200 + 64 + 4 * 10) * MIB;

/// Returns the least memory, in MiB, with which a machine unpacks initrds and starts their `init`.
/// With a `closure`, it is the least memory with which the machine also assembles the closure in a
/// tmpfs.
///
/// Each initrd is given by its size in bytes and by the result of
/// [`inspect_initrd`](crate::inspect::inspect_initrd). The result holds for BIOS and UEFI. It does
/// not include the memory of the programs that the machine runs later.
///
/// While a kernel unpacks an initrd, the packed initrd is still in memory: once with a BIOS, twice
/// with UEFI, where iPXE holds one copy and Linux makes another. The kernel unpacks to a tmpfs,
/// which uses at most half of the remaining memory (`shmem_default_max_blocks` in `mm/shmem.c`). So
/// the unpacked size counts twice. With less memory, the kernel prints `Initramfs unpacking failed:
/// write error` and continues without the files that did not fit. The kernel parameter
/// `rootfstype=ramfs` removes this limit, and then the unpacked size counts once.
///
/// `netboot-stage1` checks before it fetches a closure that the files, an allowance for each of
/// them, and 304 MiB for the rest, fit into the available memory. With less memory it takes a store
/// in compressed memory (`netboot.store=auto`), or refuses.
pub fn least_memory_mib<'a>(
    initrds: impl IntoIterator<Item = (u64, &'a InitrdSummary)>,
    closure: Option<&ClosureManifest>,
) -> Option<u64> {
    let mut bytes = KERNEL;
    let mut assembling = closure.map_or(0, |closure| {
        let files = closure.unpacked_bytes.saturating_add(closure.inodes.saturating_mul(INODE));
        // The directories and the other overhead of a tmpfs are a fiftieth.
        files.saturating_add(files / 50).saturating_add(KERNEL_ASSEMBLING + BESIDE_CLOSURE)
    });
    for (packed, summary) in initrds {
        // A file uses whole pages, and wastes half a page on average.
        let unpacked = summary.unpacked_bytes + summary.members * 2048;
        bytes = bytes.saturating_add(packed.saturating_add(unpacked).saturating_mul(2));
        if closure.is_some() {
            // The packed initrd is gone by then.
            assembling = assembling.saturating_add(unpacked);
        }
    }
    let described = |bytes: u64| bytes.saturating_add(bytes / PAGES_PER_PAGE_DESCRIPTION);
    let assembling = described(assembling);
    let assembling = assembling.saturating_add(huge_page_reserve(assembling));
    Some(described(bytes).max(assembling).div_ceil(MIB))
}

/// Returns the memory that Linux keeps free for huge pages, in bytes, so that a program does not
/// count it as available. A machine with less than 512 MiB has no huge pages (`hugepage_init` in
/// `mm/huge_memory.c`). Otherwise it is 5 % of the memory, at most 66 MiB
/// (`set_recommended_min_free_kbytes` in `mm/khugepaged.c`), and a half more.
fn huge_page_reserve(memory: u64) -> u64 {
    if memory < 512 * MIB { 0 } else { (memory / 40).saturating_mul(3).min(99 * MIB) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::content::Content;
    use crate::digest::Sha256Digest;
    use crate::inspect::summary::Member;

    fn with(files: u64, size: u64) -> InitrdSummary {
        let mut summary = InitrdSummary::new();
        (0..files).for_each(|number| summary.add(&number.to_string(), size, Member::Data));
        summary
    }

    #[test]
    fn packed_and_unpacked_size_count_twice() {
        let one = with(1, 100 * MIB);
        let alone = least_memory_mib([(0, &with(0, 0))], None).unwrap();
        assert_eq!(alone, 99);
        assert_eq!(least_memory_mib([(60 * MIB, &one)], None), Some(430));
        // Two are unpacked one after the other, into the same file system.
        let half = with(1, 50 * MIB);
        let both = least_memory_mib([(30 * MIB, &half), (30 * MIB, &half)], None);
        assert_eq!(both, Some(430));
        // Small files take a page at least.
        assert!(least_memory_mib([(0, &with(10_000, 1))], None).unwrap() > alone + 40);
    }

    #[test]
    fn a_closure_counts_its_files_and_what_the_system_needs() {
        let closure = |unpacked_bytes, inodes| ClosureManifest {
            index: Content { size: 1, sha256: Sha256Digest::of(b"") },
            unpacked_bytes,
            inodes,
            blobs: BTreeMap::new(),
        };
        let least = |closure| least_memory_mib([(20 * MIB, &with(1, 30 * MIB))], Some(&closure));
        // 72 + 304 + 30, and 3 % of all.
        assert_eq!(least(closure(0, 0)), Some(419));
        // And 7.5 % that Linux keeps free for huge pages.
        assert_eq!(least(closure(500 * MIB, 20_000)), Some(966 + 72));
        // An initrd that takes more while it is unpacked decides.
        let large = least_memory_mib([(300 * MIB, &with(1, 300 * MIB))], None);
        let both =
            least_memory_mib([(300 * MIB, &with(1, 300 * MIB))], Some(&closure(100 * MIB, 1)));
        assert_eq!(both, large);
        assert_eq!(
            least_memory_mib([], Some(&closure(u64::MAX, u64::MAX))),
            Some(u64::MAX / MIB + 1)
        );
    }
}
