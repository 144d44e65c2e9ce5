//! What a program of Nix said until it failed.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::internal_json::LogEvent;
use netboot_process::LastLines;

/// An error message of Nix, its colours and its word `error:` taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    /// The place in Nix code that it is about, as `file:line:column`.
    pub(crate) position: Option<String>,
}

/// All that can tell why a program failed. Texts of builders are not among it.
#[derive(Debug, Default)]
pub(crate) struct NixOutput {
    pub(crate) messages: Vec<Message>,
    /// The last lines that are not in Nix's format: what git and ssh said, and Nix very early.
    pub(crate) lines: LastLines,
    pub(crate) warnings: Vec<String>,
    /// Everything of the above, for an error that is not known.
    pub(crate) all: LastLines,
}

impl NixOutput {
    pub(crate) fn take_in(&mut self, event: &LogEvent) {
        match event {
            LogEvent::Error { message, position } => {
                self.all.push(message);
                let (text, position) = (message.clone(), position.clone());
                self.messages.push(Message { text, position });
            }
            LogEvent::Plain { line } => {
                self.all.push(line);
                self.lines.push(line);
                // A Nix that has no logger yet, or breaks down, says its error as plain text.
                if let Some(text) = line.strip_prefix("error:") {
                    let text = text.trim().to_owned();
                    self.messages.push(Message { text, position: None });
                }
            }
            LogEvent::Warning { message } => {
                self.all.push(message);
                self.warnings.push(message.clone());
            }
            _ => {}
        }
    }

    pub(crate) fn texts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.messages.iter().map(|message| message.text.as_str())
    }

    /// The first error message that holds one of these texts.
    pub(crate) fn find(&self, texts: &[&str]) -> Option<&str> {
        self.texts().find(|message| texts.iter().any(|text| message.contains(text)))
    }

    /// The first line of git, ssh or another program that holds one of these texts.
    pub(crate) fn line_with(&self, texts: &[&str]) -> Option<&str> {
        self.lines.iter().find(|line| texts.iter().any(|text| line.contains(text)))
    }

    /// The last error message: the one that ended the program.
    pub(crate) fn last(&self) -> Option<&Message> {
        self.messages.last()
    }
}

/// How a program that a signal ended was ended.
pub(crate) fn end_by_signal(status: ExitStatus) -> Option<String> {
    status.signal().map(|number| match number {
        6 => "it broke down (signal 6, SIGABRT)".to_owned(),
        9 => "it was killed (signal 9, SIGKILL)".to_owned(),
        11 => "it broke down (signal 11, SIGSEGV)".to_owned(),
        15 => "it was asked to end (signal 15, SIGTERM)".to_owned(),
        number => format!("it was ended by signal {number}"),
    })
}
