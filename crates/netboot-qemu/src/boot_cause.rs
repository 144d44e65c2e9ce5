//! The cause of a failed boot, in a line that the console showed before the end.

/// The words that a cause is known by, with the remedy. Causes that hide others come first.
const CAUSES: [Cause; 8] = [
    Cause {
        // `init/initramfs.c` of Linux. Linux continues without the missing files.
        words: &[&["Initramfs unpacking failed", "write error"]],
        is_certain: true,
        end: "",
        hint: "give the machine more memory (`least_memory_mib` of netboot-core computes how \
               much), make the image smaller, or add `rootfstype=ramfs` to its kernel parameters: \
               the machine has too little memory for the initrd",
    },
    Cause {
        words: &[
            &["Initramfs unpacking failed", "not configured"],
            &[NO_INITRAMFS, "not configured"],
        ],
        is_certain: true,
        end: "",
        hint: "build the kernel and the initrd from the same configuration, or use another \
               compression: this kernel cannot unpack the initrd",
    },
    Cause {
        words: &[&["Initramfs unpacking failed"], &[NO_INITRAMFS]],
        is_certain: true,
        end: "",
        hint: "verify the published files, and build the initrd again if they are intact: the \
               initrd is damaged, or a part of it begins at a wrong position",
    },
    Cause {
        // Linux keeps a file open for writing when the archive ends in its middle, and says nothing
        // (`do_copy` in `init/initramfs.c`). So it cannot run the file: ETXTBSY is 26.
        words: &[&["Failed to execute ", "(error -26)"]],
        is_certain: true,
        end: "",
        hint: "verify the published files, and build the initrd again if they are intact: the \
               initrd ends in the middle of a file",
    },
    Cause {
        // `mm/oom_kill.c` of Linux. Linux continues without the process.
        words: &[&["Out of memory: Killed process"]],
        is_certain: true,
        end: "",
        hint: "give the machine more memory (`least_memory_mib` of netboot-core computes how \
               much): Linux ended a process to free some",
    },
    Cause {
        // `src/core/job.c` of systemd, NixOS's `stage-1-init.sh`, and `init/do_mounts.c` of Linux.
        words: &[&["Timed out waiting for device"], &["Waiting for root device"]],
        is_certain: false,
        end: "",
        hint: "check the file systems and `root=` of the configuration: a device did not appear, \
               because the machine does not have it or the initrd lacks its driver \
               (`boot.initrd.availableKernelModules`)",
    },
    Cause {
        words: &[&["Failed to mount ", "sysroot"]],
        is_certain: false,
        end: "",
        hint: "check the file systems of the configuration: stage 1 could not mount one of them, \
               because its type or an option is wrong, or the initrd lacks its driver \
               (`boot.initrd.supportedFilesystems`)",
    },
    Cause {
        words: &[&["Trying to unpack rootfs image as initramfs"], &["Unpacking initramfs"]],
        is_certain: false,
        // Linux looks for a root file system when the initrd has no program to run
        // (`kernel_init_freeable` in `init/main.c`).
        end: "Unable to mount root fs",
        hint: "build the initrd again with an executable file `/init` at its top: the kernel \
               unpacked an initrd without one",
    },
];

/// The words of a Linux with a driver for RAM disks, which takes an initrd that it cannot unpack
/// for the image of a file system (`do_populate_rootfs` in `init/initramfs.c`).
const NO_INITRAMFS: &str = "rootfs image is not initramfs";

struct Cause {
    /// The line has all words of one of these.
    words: &'static [&'static [&'static str]],
    /// True if no failed boot with this line has another cause. A device that is missing may be one
    /// that the system does without.
    is_certain: bool,
    /// Words of the line that ended the boot. The line with `words` is the cause of no other end.
    end: &'static str,
    hint: &'static str,
}

impl Cause {
    fn is_in(&self, line: &str) -> bool {
        self.words.iter().any(|all| all.iter().all(|words| line.contains(words)))
    }
}

/// Returns the first line that names the cause. The last line ended the boot. `stopped` is true if
/// the system did not go on, and false if something else ended the boot.
pub(crate) fn find<'a>(lines: &[&'a str], stopped: bool) -> Option<&'a str> {
    let end = lines.last().copied().unwrap_or_default();
    let fits = |cause: &&Cause| (stopped || cause.is_certain) && end.contains(cause.end);
    let causes = CAUSES.iter().filter(fits);
    causes.filter_map(|cause| lines.iter().find(|line| cause.is_in(line))).copied().next()
}

/// Returns the remedy for a line that names the cause.
pub(crate) fn hint(line: &str) -> Option<&'static str> {
    CAUSES.iter().find(|cause| cause.is_in(line)).map(|cause| cause.hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_that_hides_others_is_found() {
        let device = "[ TIME ] Timed out waiting for device /dev/disk/by-label/root.";
        let memory = "[   42.1] Out of memory: Killed process 211 (nix-store) total-vm:1";
        let mount = "[FAILED] Failed to mount sysroot.mount - /sysroot.";
        let unpacking = "[    1.5] Initramfs unpacking failed: write error";
        let lines = ["Booting initrd of NixOS.", mount, device, memory, unpacking];
        assert_eq!(find(&lines, true), Some(unpacking));
        assert_eq!(find(&lines[..4], true), Some(memory));
        assert_eq!(find(&lines[..3], true), Some(device));
        assert_eq!(find(&lines[..2], true), Some(mount));
        assert_eq!(find(&lines[..1], true), None);
        // The caller's own text ended this boot. The system may do without the device.
        assert_eq!(find(&lines[..3], false), None);
        // An initrd that was unpacked is the cause if nothing in it could be run.
        let initrd = "[    1.5] Trying to unpack rootfs image as initramfs...";
        let no_root = "[    1.6] Kernel panic - not syncing: VFS: Unable to mount root fs on";
        assert_eq!(find(&[initrd, no_root], true), Some(initrd));
        assert_eq!(find(&[initrd, "Kernel panic - not syncing: something else"], true), None);
        for line in [mount, device, memory, unpacking, initrd] {
            assert!(hint(line).is_some(), "{line}");
        }
    }
}
