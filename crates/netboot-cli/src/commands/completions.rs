//! `netboot completions`: scripts that complete commands in a shell.

use clap::Args;
use clap_complete::Shell;
use serde_json::json;

use crate::answer::Answer;

/// The description of the answer.
const ANSWER: &str = "\
With --json:
  shell   the shell
  script  the script";

#[derive(Debug, Args)]
#[command(after_long_help = ANSWER)]
pub(crate) struct Arguments {
    /// The shell.
    shell: Shell,
}

impl Arguments {
    /// Writes the script for the shell.
    pub(crate) fn run(self) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::command(), "netboot", &mut script);
        let script = String::from_utf8_lossy(&script);
        let object = json!({ "shell": self.shell.to_string(), "script": script });
        Answer::new(script, object)
    }
}
