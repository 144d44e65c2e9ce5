//! How much memory a machine needs to unpack its initrds.

use crate::inspect::summary::InitrdSummary;

const MIB: u64 = 1024 * 1024;

/// What firmware and a distribution's kernel take for themselves, in bytes: with Debian's kernel some
/// 45 MiB were measured with a BIOS, and 80 MiB with UEFI.
const KERNEL: u64 = 96 * MIB;

/// What of a machine's memory goes into describing it: 64 bytes for each page of 4096 (`struct
/// page`), and as much again for what else grows with it.
const PAGES_PER_PAGE_DESCRIPTION: u64 = 32;

/// The least memory, in MiB, with which a machine unpacks these initrds and starts their `init`,
/// whatever its firmware; each is given by its size in bytes and by what
/// [`inspect_initrd`](super::inspect_initrd) found in it. What runs on the machine then comes on top.
///
/// `None` where it cannot be told, since an initrd has a compression that was not looked into.
///
/// While a kernel unpacks an initrd the packed one still lies in memory: once with a BIOS, twice with
/// UEFI, where iPXE has it and Linux copies it. The root file system that it unpacks to is a tmpfs,
/// which takes at most half of what that leaves (`shmem_default_max_blocks` in `mm/shmem.c`), so
/// that the unpacked size counts twice. With less memory the kernel says `Initramfs unpacking failed:
/// write error` and goes on without the files that did not fit. With `rootfstype=ramfs` among the
/// kernel parameters there is no such limit, and the unpacked size counts once.
pub fn least_memory_mib<'a>(
    initrds: impl IntoIterator<Item = (u64, &'a InitrdSummary)>,
) -> Option<u64> {
    let mut bytes = KERNEL;
    for (packed, summary) in initrds {
        if summary.unchecked.is_some() {
            return None;
        }
        // A file takes whole pages: half a page is lost with each, as a rule.
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
