//! The messages of a Nix program, for the case that it fails.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use foreign_text::ForeignText;
use netboot_process::LastLines;

use crate::internal_json::LogEvent;

/// The number of messages that are kept from the beginning, and from the end. The first message of
/// a kind names the cause, and the last one ended the program.
const KEPT: usize = 250;

/// The words of Nix and of C++'s library about a crash.
const CRASH: [&str; 3] = [": Assertion `", "terminating due to unexpected", "terminate called"];

/// An error message of Nix, without colours and without the word `error:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: ForeignText,
    /// The place in Nix code, as `file:line:column`.
    pub(crate) position: Option<String>,
}

/// All messages that can tell why a program failed. The output of builders is not part of it.
#[derive(Debug, Default)]
pub(crate) struct NixOutput {
    pub(crate) messages: Vec<Message>,
    /// The last lines that are not in Nix's format. Git and ssh print them, and Nix when it starts.
    pub(crate) lines: LastLines,
    pub(crate) warnings: Vec<ForeignText>,
    /// The words with which Nix crashed. A stack trace of many lines may follow them.
    pub(crate) crash: Option<ForeignText>,
    /// The last lines of all the above, for an unknown error.
    pub(crate) all: LastLines,
}

impl NixOutput {
    pub(crate) fn record(&mut self, event: &LogEvent) {
        match event {
            LogEvent::Error { message, position } => {
                self.all.push(message);
                let (text, position) = (message.clone(), position.clone());
                push(&mut self.messages, Message { text, position });
            }
            LogEvent::Plain { line } => {
                self.all.push(line);
                self.lines.push(line);
                if self.crash.is_none() && CRASH.iter().any(|text| line.contains(text)) {
                    self.crash = Some(line.clone());
                }
                // Nix prints plain text before it has a logger, and when it crashes.
                if let Some(text) = line.strip_prefix("error:") {
                    let text = text.trim().into();
                    push(&mut self.messages, Message { text, position: None });
                }
            }
            LogEvent::Warning { message } => {
                self.all.push(message);
                push(&mut self.warnings, message.clone());
            }
            _ => {}
        }
    }

    pub(crate) fn texts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.messages.iter().map(|message| message.text.as_str())
    }

    /// The first error message that contains one of these texts.
    pub(crate) fn find(&self, texts: &[&str]) -> Option<&str> {
        self.texts().find(|message| texts.iter().any(|text| message.contains(text)))
    }

    /// The first line of git, ssh or another program that contains one of these texts.
    pub(crate) fn line_with(&self, texts: &[&str]) -> Option<&str> {
        self.lines.iter().find(|line| texts.iter().any(|text| line.contains(text)))
    }

    /// The last error message, which ended the program.
    pub(crate) fn last(&self) -> Option<&Message> {
        self.messages.last()
    }
}

/// Adds a message, and drops one from the middle if there are too many.
fn push<T>(messages: &mut Vec<T>, message: T) {
    if messages.len() == 2 * KEPT {
        messages.remove(KEPT);
    }
    messages.push(message);
}

/// The way a signal ended the program, or `None` if no signal did.
pub(crate) fn end_by_signal(status: ExitStatus) -> Option<String> {
    status.signal().map(|number| match number {
        6 => "it crashed (signal 6, SIGABRT)".to_owned(),
        9 => "it was killed (signal 9, SIGKILL)".to_owned(),
        11 => "it crashed (signal 11, SIGSEGV)".to_owned(),
        15 => "it got a request to end (signal 15, SIGTERM)".to_owned(),
        number => format!("signal {number} ended it"),
    })
}
