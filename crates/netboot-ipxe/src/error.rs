use std::fmt;

use netboot_core::ProfileName;

use crate::lexical::LexicalProblem;
use crate::script_check::ScriptProblem;
use crate::template::TemplateName;

/// What can go wrong while scripts are rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// iPXE would read a value as something other than what was typed.
    #[error("the {kind} {value:?} cannot stand in an iPXE script: {problem}")]
    Unprintable {
        /// What the value is.
        kind: ValueKind,
        /// The value, cut to its first 80 characters.
        value: String,
        /// What iPXE would do with it.
        problem: LexicalProblem,
    },

    /// A `kernel` command with more words than iPXE takes.
    #[error("the command line of profile `{profile}` has {words} words and iPXE takes {limit}")]
    TooManyArguments {
        /// The profile.
        profile: ProfileName,
        /// How many words there are.
        words: usize,
        /// How many there may be.
        limit: usize,
    },

    /// A kernel command line that the firmware would cut, `initrd=` included.
    #[error("the command line of profile `{profile}` has {length} bytes and {limit} are taken")]
    CommandLineTooLong {
        /// The profile.
        profile: ProfileName,
        /// Its length in bytes, with the kernel's name before it as UEFI has it.
        length: usize,
        /// How many bytes there may be.
        limit: usize,
    },

    /// The profile that the menu is to start by default is not in the release.
    #[error("the menu's default profile `{profile}` is not among the images")]
    UnknownDefault {
        /// The default that was set.
        profile: ProfileName,
        /// The profiles that there are.
        known: Vec<ProfileName>,
    },

    /// A template that is not valid Tera.
    #[error("the template `{template}` cannot be read{}", at_line(*line))]
    MalformedTemplate {
        /// The template.
        template: TemplateName,
        /// The line of the template, counted from 1, where Tera gives it as a number.
        line: Option<usize>,
        /// What Tera says of it, with the line's text.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A template that uses a variable which it is not given.
    #[error("the template `{template}` uses the unknown variable `{variable}`")]
    UnknownVariable {
        /// The template.
        template: TemplateName,
        /// The variable.
        variable: String,
    },

    /// A template that could not be filled in: it uses a field that there is not, for example.
    #[error("the template `{template}` cannot be rendered{}", at_line(*line))]
    Template {
        /// The template.
        template: TemplateName,
        /// The line of the template, counted from 1, where Tera gives it as a number.
        line: Option<usize>,
        /// What Tera says of it, with the line's text.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A template made something that is no script.
    #[error("the template `{template}` makes no iPXE script: {problem}")]
    NotAScript {
        /// The template.
        template: TemplateName,
        /// What is wrong with its output.
        problem: ScriptProblem,
    },

    /// A text that is no hardware address of a network card.
    #[error("{value:?} is no hardware address of a network card")]
    InvalidMacAddress {
        /// The text, cut to its first 80 characters.
        value: String,
    },

    /// The images and scripts do not make an image or a release.
    #[error(transparent)]
    Core(#[from] netboot_core::Error),
}

/// What a value in a script is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueKind {
    /// A [`MenuText`](crate::MenuText), such as a profile's title.
    MenuText,
    /// A [`ScriptArgument`](crate::ScriptArgument).
    KernelParameter,
    /// A [`ScriptUrl`](crate::ScriptUrl).
    Url,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MenuText => "menu text",
            Self::KernelParameter => "kernel parameter",
            Self::Url => "URL",
        })
    }
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" at its line {line}"))
}

impl Error {
    pub(crate) fn unprintable(kind: ValueKind, value: &str, problem: LexicalProblem) -> Self {
        let value = value.chars().take(80).collect();
        Self::Unprintable { kind, value, problem }
    }

    /// What to do about it, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unprintable { kind: ValueKind::MenuText, .. } => {
                "use printable ASCII with single spaces between words; no word may begin with \
                 `#`, be `&&`, `||` or `;`, and the text may not hold `${`, begin with `-` or end \
                 with `\\`"
                    .to_owned()
            }
            Self::Unprintable { kind: ValueKind::KernelParameter, .. } => {
                "iPXE cannot quote: write the parameter without `${`, without a word that begins \
                 with `#` or is `&&`, `||` or `;`, without two spaces in a row and without a \
                 `\\` at its end"
                    .to_owned()
            }
            Self::Unprintable { kind: ValueKind::Url, .. } => {
                "serve the file under a name of ASCII letters, digits, `.`, `_` and `-`: iPXE \
                 decodes and encodes a URL again before it asks for it"
                    .to_owned()
            }
            Self::TooManyArguments { .. } | Self::CommandLineTooLong { .. } => {
                "drop kernel parameters".to_owned()
            }
            Self::UnknownDefault { known, .. } => {
                let known: Vec<&str> = known.iter().map(ProfileName::as_str).collect();
                format!("choose one of: {}", known.join(", "))
            }
            Self::MalformedTemplate { .. } => {
                "correct the template at the line that the cause names; the syntax is Tera's"
                    .to_owned()
            }
            Self::UnknownVariable { template, .. } | Self::Template { template, .. } => {
                format!("the template may use: {}", template.variables().join(", "))
            }
            Self::NotAScript { problem, .. } => problem.remedy().to_owned(),
            Self::InvalidMacAddress { .. } => {
                "write six pairs of hexadecimal digits, such as 52:54:00:12:34:56; group addresses \
                 and zeros belong to no card"
                    .to_owned()
            }
            Self::Core(error) => return error.hint(),
        })
    }
}
