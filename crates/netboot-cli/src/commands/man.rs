//! `netboot man`: the manual pages.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use netboot_core::Report;
use serde_json::json;

use crate::answer::Answer;

#[derive(Debug, Args)]
#[command(after_long_help = "With --json:\n  files  the paths of the pages")]
pub(crate) struct Arguments {
    /// The directory to write the pages to, such as /usr/local/share/man/man1. It is created if it
    /// is missing.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Arguments {
    /// Writes a page for the program and for each command.
    pub(crate) fn run(self) -> Result<Answer, Report> {
        let failed = |source| netboot_core::Error::io("create", &self.directory, source);
        std::fs::create_dir_all(&self.directory).map_err(failed)?;
        let mut program = crate::command().disable_help_subcommand(true);
        program.build();
        let mut files = Vec::new();
        write(program, &self.directory, &mut files)?;
        let lines: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        Ok(Answer::new(lines.join("\n"), json!({ "files": lines })))
    }
}

/// Writes the page of a command, and then those of its commands.
fn write(command: Command, directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Report> {
    for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
        write(part.clone(), directory, files)?;
    }
    let page = Man::new(command);
    let written = page.generate_to(directory);
    files.push(written.map_err(|source| netboot_core::Error::io("write", directory, source))?);
    Ok(())
}
