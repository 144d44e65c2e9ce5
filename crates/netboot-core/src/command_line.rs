//! Kernel parameters and kernel command lines.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::invalid_value::{InvalidValue, TextProblem, ValueKind, check};
use crate::validated_text::validated_text;

/// The maximum length of a kernel command line, in bytes.
///
/// x86 kernels take 2048 bytes including the final NUL (`COMMAND_LINE_SIZE`). iPXE on BIOS silently
/// cuts longer lines there.
pub const COMMAND_LINE_LIMIT: usize = 2047;

/// One kernel parameter, such as `console=ttyS0,115200`.
///
/// It is printable ASCII, with white space only between double quotes, as the kernel reads it
/// (`next_arg` in the kernel's `lib/cmdline.c`). `init=` and `initrd=` are refused, because Netboot
/// sets them itself, to match the initrd.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KernelParameter(String);

validated_text!(
    KernelParameter,
    InvalidValue,
    ValueKind::KernelParameter.validated_by(|text| {
        check(text, 1024, |c| c.is_ascii_graphic() || c == ' ')?;
        let mut quoted = false;
        for (position, character) in text.char_indices() {
            match character {
                '"' => quoted = !quoted,
                ' ' if !quoted => {
                    return Err(TextProblem::ForbiddenCharacter { character, position });
                }
                _ => {}
            }
        }
        if quoted {
            return Err(TextProblem::Malformed { expected: "a closing double quote" });
        }
        // A kernel removes the quote at the start of a parameter: it reads `"init=/x"` as
        // `init=/x`.
        match text.strip_prefix('"').unwrap_or(text).split(['=', '"']).next() {
            Some("init" | "initrd") => Err(TextProblem::Reserved),
            _ => Ok(()),
        }
    })
);

/// Splits a text into kernel parameters like a kernel: at white space outside double quotes
/// (`next_arg` in the kernel's `lib/cmdline.c`). It does not validate the pieces.
pub fn split_parameters(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let separates = move |character: char| {
        quoted ^= character == '"';
        !quoted && character.is_ascii_whitespace()
    };
    text.split(separates).filter(|parameter| !parameter.is_empty())
}

/// The absolute path of a configuration's `init`, as the kernel parameter `init=` has it.
///
/// A kernel expands nothing. So the path may have only the characters of a Nix store path (Nix
/// manual, "Store Path") and `/`, but no `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InitPath(String);

validated_text!(
    InitPath,
    InvalidValue,
    ValueKind::InitPath.validated_by(|text| {
        check(text, 1024, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_' | '?' | '=' | '/')
        })?;
        let expected = "an absolute path without empty, `.` or `..` parts";
        match text.strip_prefix('/') {
            Some(rest) if rest.split('/').all(|part| !matches!(part, "" | "." | "..")) => Ok(()),
            _ => Err(TextProblem::Malformed { expected }),
        }
    })
);

/// A kernel command line: parameters separated by single spaces, at most [`COMMAND_LINE_LIMIT`]
/// bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KernelCommandLine(Vec<String>);

impl KernelCommandLine {
    /// Creates the command line of `init=<init>` and then the parameters in order.
    ///
    /// # Errors
    /// [`InvalidValue`] if the line would be longer than [`COMMAND_LINE_LIMIT`].
    pub fn new<'a>(
        init: &InitPath,
        parameters: impl IntoIterator<Item = &'a KernelParameter>,
    ) -> Result<Self, InvalidValue> {
        let init = format!("init={init}");
        let rest = parameters.into_iter().map(|parameter| parameter.as_str().to_owned());
        let line = Self(std::iter::once(init).chain(rest).collect());
        let text = line.to_string();
        if text.len() > COMMAND_LINE_LIMIT {
            let problem = TextProblem::TooLong { length: text.len(), limit: COMMAND_LINE_LIMIT };
            return Err(InvalidValue::new(ValueKind::KernelCommandLine, &text, problem));
        }
        Ok(line)
    }

    /// Returns the parameters in order, beginning with `init=…`.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for KernelCommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}
