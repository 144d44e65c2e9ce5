//! What every rendered script is held to, whoever wrote its template.

use std::fmt;

use netboot_core::COMMAND_LINE_LIMIT;
use netboot_core::layout::GENERATED_MARK;

/// How many arguments a command may have, options apart: for `kernel`, its URL and 254 words
/// (`MAX_ARGUMENTS` in iPXE's `src/core/parseopt.c`, and the stack of `src/core/exec.c`).
pub(crate) const ARGUMENT_LIMIT: usize = 255;

/// The commands that give the rest of their line to an image as its command line.
const IMAGE_COMMANDS: [&str; 7] =
    ["kernel", "imgselect", "imgload", "imgargs", "chain", "boot", "imgexec"];

/// Why the text that a template made is no script, or none of ours.
///
/// Lines are counted from 1; a line that is continued with `\` has the number of its first part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScriptProblem {
    /// The first line is not `#!ipxe`, so iPXE does not take it for a script.
    NoMagic,
    /// No line is the comment [`GENERATED_MARK`], so a publisher would not know it for ours.
    NoMark,
    /// The last line does not end, or is continued. Publishers add lines to a pointer.
    OpenEnd,
    /// A carriage return, which iPXE keeps unless it ends the line, or a NUL, which ends the line.
    ForbiddenCharacter {
        /// The line.
        line: usize,
        /// The character.
        character: char,
    },
    /// A command has more arguments than iPXE takes.
    TooManyArguments {
        /// The line.
        line: usize,
        /// How many there are.
        arguments: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A kernel command line that the firmware would cut without a word.
    CommandLineTooLong {
        /// The line.
        line: usize,
        /// Its length in bytes, with the image's name before it as UEFI has it.
        length: usize,
        /// How many bytes there may be.
        limit: usize,
    },
}

impl ScriptProblem {
    /// What the author of the template does about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::NoMagic => "let the template begin with the line `#!ipxe`",
            Self::NoMark => "print the variable `mark` at the begin of a line: it is a comment",
            Self::OpenEnd => "end the template with a line feed, and without a `\\` before it",
            Self::ForbiddenCharacter { .. } => {
                "end each line of the template with a line feed only"
            }
            Self::TooManyArguments { .. } | Self::CommandLineTooLong { .. } => {
                "let the template add fewer words, or drop kernel parameters"
            }
        }
    }
}

impl fmt::Display for ScriptProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic => f.write_str("its first line is not `#!ipxe`"),
            Self::NoMark => write!(f, "no line of it begins with `{GENERATED_MARK}`"),
            Self::OpenEnd => f.write_str("its last line has no end, or is continued"),
            Self::ForbiddenCharacter { line, character } => {
                write!(f, "its line {line} holds the character {character:?}")
            }
            Self::TooManyArguments { line, arguments, limit } => {
                write!(f, "its line {line} has {arguments} arguments and iPXE takes {limit}")
            }
            Self::CommandLineTooLong { line, length, limit } => write!(
                f,
                "the kernel command line in its line {line} has {length} bytes and {limit} are \
                 taken"
            ),
        }
    }
}

/// Finds the first problem of a script.
pub(crate) fn check(script: &str) -> Result<(), ScriptProblem> {
    if !script.starts_with("#!ipxe\n") {
        return Err(ScriptProblem::NoMagic);
    }
    if !script.ends_with('\n') || script.ends_with("\\\n") {
        return Err(ScriptProblem::OpenEnd);
    }
    if !script.lines().any(|line| line.starts_with(GENERATED_MARK)) {
        return Err(ScriptProblem::NoMark);
    }
    if let Some(position) = script.bytes().position(|byte| matches!(byte, b'\r' | b'\0')) {
        let (before, after) = script.split_at(position);
        let line = 1 + before.matches('\n').count();
        let character = if after.starts_with('\r') { '\r' } else { '\0' };
        return Err(ScriptProblem::ForbiddenCharacter { line, character });
    }
    let mut continued: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(script.split('\n')) {
        let start = line.strip_suffix('\\');
        match (continued.take(), start) {
            (None, None) => check_line(number, line)?,
            (None, Some(start)) => continued = Some((number, start.to_owned())),
            (Some((first, text)), None) => check_line(first, &(text + line))?,
            (Some((first, text)), Some(start)) => continued = Some((first, text + start)),
        }
    }
    Ok(())
}

/// Checks the commands of one line, at which iPXE separates them.
fn check_line(line: usize, text: &str) -> Result<(), ScriptProblem> {
    // Too many arguments need a byte and a space each, and a long command line is longer still:
    // nearly all lines need no closer look.
    if text.len() <= 2 * ARGUMENT_LIMIT {
        return Ok(());
    }
    let words: Vec<&str> =
        text.split_ascii_whitespace().take_while(|word| !word.starts_with('#')).collect();
    words
        .split(|word| matches!(*word, "&&" | "||" | ";"))
        .try_for_each(|command| check_command(line, command))
}

fn check_command(line: usize, command: &[&str]) -> Result<(), ScriptProblem> {
    // A label stands before a command.
    let command = match command {
        [label, rest @ ..] if label.starts_with(':') => rest,
        other => other,
    };
    let Some((name, words)) = command.split_first() else { return Ok(()) };
    let takes_command_line = IMAGE_COMMANDS.contains(name);
    let (image, arguments) = if takes_command_line { image_arguments(words) } else { ("", words) };
    if arguments.len() > ARGUMENT_LIMIT {
        let (arguments, limit) = (arguments.len(), ARGUMENT_LIMIT);
        return Err(ScriptProblem::TooManyArguments { line, arguments, limit });
    }
    let command_line = arguments.iter().skip(1).map(|word| 1 + word.len()).sum::<usize>();
    let length = image.len() + command_line;
    if takes_command_line && length > COMMAND_LINE_LIMIT {
        let limit = COMMAND_LINE_LIMIT;
        return Err(ScriptProblem::CommandLineTooLong { line, length, limit });
    }
    Ok(())
}

/// The name given to the image, and the words behind the options: iPXE stops to look for options
/// at the first word that is none.
fn image_arguments<'a, 'w>(words: &'w [&'a str]) -> (&'a str, &'w [&'a str]) {
    let mut name = "";
    let mut rest = words;
    loop {
        match rest {
            ["-n" | "--name", value, behind @ ..] => (name, rest) = (value, behind),
            ["-t" | "--timeout", _, behind @ ..] => rest = behind,
            [option, behind @ ..] if option.starts_with('-') => {
                name = option.strip_prefix("--name=").unwrap_or(name);
                rest = behind;
            }
            _ => return (name, rest),
        }
    }
}
