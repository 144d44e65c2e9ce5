//! The program that fetches closures on machines.

use std::path::Path;

use netboot_core::Report;
use netboot_nix::ClosureBoot;

use crate::configuration::Configuration;
use crate::misuse::OfCommandLine;

/// The settings of images with a closure: the program of `--stage1`, or else `[closure-boot]`.
///
/// # Errors
/// If the program cannot be used, or the table is wrong.
pub(crate) fn closure_boot(
    stage1: Option<&Path>,
    configuration: &Configuration,
) -> Result<Option<ClosureBoot>, Report> {
    match stage1 {
        Some(program) => ClosureBoot::with_program(program).of_command_line().map(Some),
        None => Ok(configuration.closure_build()?),
    }
}
