//! The options that all commands have.

use std::path::PathBuf;

use clap::Args;

/// The options that all commands have.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalOptions {
    /// The configuration file. The default is netboot.toml in the working directory, if it exists.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Print one JSON object on standard output, also for a failure.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Show what child processes print.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}
