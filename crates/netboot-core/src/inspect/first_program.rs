//! The check that Linux finds a program to start in an image's initrds.

use crate::boot_spec::BootSpec;
use crate::command_line::InitPath;
use crate::error::Error;
use crate::inspect::summary::{InitrdSummary, Presence, presence};
use crate::name::ProfileName;

/// The path that Linux starts (`ramdisk_execute_command` in `init/main.c`).
const USUAL: &str = "/init";

/// Checks that an image's initrds contain `/init`, or the program that `rdinit=` names. Without it,
/// Linux panics unless `root=` names a disk, which Linux then mounts by itself.
///
/// # Errors
/// [`Error::FirstProgramMissing`] if no initrd contains it.
pub(crate) fn require_first_program(
    profile: &ProfileName,
    boot: &BootSpec,
    initrds: &[InitrdSummary],
) -> Result<(), Error> {
    let value = |name: &str| {
        let mut values = boot.kernel_parameters().iter();
        values.find_map(|parameter| parameter.as_str().strip_prefix(name))
    };
    if value("root=").is_some() {
        return Ok(());
    }
    // Linux starts no program from a path that it cannot read either.
    let Ok(program) = InitPath::new(value("rdinit=").unwrap_or(USUAL)) else { return Ok(()) };
    match presence(&program, &initrds.iter().collect::<Vec<_>>()) {
        Presence::No => Err(Error::FirstProgramMissing { profile: profile.clone(), program }),
        Presence::Yes | Presence::Unknown => Ok(()),
    }
}
