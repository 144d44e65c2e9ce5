//! The check that Linux finds a program to start in an image's initrds.

use crate::boot_spec::BootSpec;
use crate::command_line::InitPath;
use crate::error::Error;
use crate::inspect::presence::{Presence, look};
use crate::inspect::summary::{InitrdSummary, Member};
use crate::name::ProfileName;

/// The path that Linux starts (`ramdisk_execute_command` in `init/main.c`).
const USUAL: &str = "/init";

/// Checks that Linux can start `/init`, or the program that `rdinit=` names, from an image's
/// initrds. Otherwise it panics, unless `root=` names a disk that it can mount by itself.
///
/// The program is a file that is executable and not empty, or a link, which is not followed. The
/// initrds are in the order in which the machine loads them. An initrd that is built into the
/// kernel is not read.
///
/// # Errors
/// [`Error::FirstProgram`] if Linux cannot start it.
pub fn require_first_program<'a>(
    profile: &ProfileName,
    boot: &BootSpec,
    initrds: impl IntoIterator<Item = &'a InitrdSummary>,
) -> Result<(), Error> {
    // Linux takes the last of several values.
    let value = |name: &str| {
        let mut values = boot.kernel_parameters().iter().rev();
        values.find_map(|parameter| parameter.as_str().strip_prefix(name))
    };
    if value("root=").is_some_and(is_mounted_by_linux) {
        return Ok(());
    }
    // Linux starts no program from a path that it cannot read either.
    let Ok(program) = InitPath::new(value("rdinit=").unwrap_or(USUAL)) else { return Ok(()) };
    let initrds: Vec<_> = initrds.into_iter().collect();
    let problem = match look(&program, &initrds) {
        (Presence::No, _) => "no initrd contains it",
        (_, Some(Member::Directory)) => "it is a directory",
        (_, Some(Member::Data)) => "it is not executable",
        (_, Some(Member::Empty)) => "it is empty",
        (_, None | Some(Member::Program | Member::SymbolicLink)) => return Ok(()),
    };
    Err(Error::FirstProgram { profile: profile.clone(), program, problem })
}

/// Returns false for values of `root=` that only a program in the initrd can mount: the values of
/// systemd's generators (systemd-fstab-generator(8), systemd-gpt-auto-generator(8)), and labels and
/// UUIDs of file systems, which `name_to_dev_t` in `init/do_mounts.c` of Linux does not know.
fn is_mounted_by_linux(root: &str) -> bool {
    let of_programs = ["fstab", "gpt-auto", "tmpfs", "UUID=", "LABEL="];
    !of_programs.iter().any(|value| root.starts_with(value))
}
