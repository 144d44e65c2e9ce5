//! The program `netboot`.

use std::process::ExitCode;

fn main() -> ExitCode {
    netboot_cli::run()
}
