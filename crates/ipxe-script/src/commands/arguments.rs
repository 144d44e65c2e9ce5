//! The way iPXE finds the options of a command, after it has expanded settings (iPXE's
//! `src/core/getopt.c` and `src/core/parseopt.c`).

use std::fmt;

use crate::commands::syntax::{CommandSyntax, OptionSyntax, OptionValue, ValueForm};
use crate::dialect::Version;
use crate::number;

/// The words after a command's name, split into options and arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arguments<'a> {
    /// The options in order, each with its value. A later one replaces an earlier one.
    pub options: Vec<(&'static OptionSyntax, Option<&'a [u8]>)>,
    /// The number of words that are options, values of options, or `--`.
    pub option_words: usize,
    /// The arguments, without the options.
    pub positional: Vec<&'a [u8]>,
}

impl<'a> Arguments<'a> {
    /// Returns true if the option of this long name is given.
    pub fn has(&self, long: &str) -> bool {
        self.options.iter().any(|(option, _)| option.long == long)
    }

    /// The value of the option of this long name.
    pub fn value(&self, long: &str) -> Option<&'a [u8]> {
        self.options.iter().rev().find(|(option, _)| option.long == long)?.1
    }
}

/// The reason why a command fails before it does anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArgumentProblem {
    /// A word starts with `-` where iPXE expects options, and no option has that name.
    UnknownOption {
        /// The word.
        word: Vec<u8>,
    },
    /// An option lacks its value: the next word starts with `-`, or there is no next word.
    MissingValue {
        /// The option's long name.
        option: &'static str,
    },
    /// An option that takes no value was given one.
    UnexpectedValue {
        /// The option's long name.
        option: &'static str,
    },
    /// The value of an option does not have the right form.
    MalformedValue {
        /// The option's long name.
        option: &'static str,
        /// The value.
        value: Vec<u8>,
    },
    /// The option `--help`: the command prints its usage and fails.
    Help,
    /// There are too few arguments.
    TooFew {
        /// The number of arguments.
        arguments: usize,
        /// The smallest number that the command takes.
        minimum: usize,
    },
    /// There are too many arguments.
    TooMany {
        /// The number of arguments.
        arguments: usize,
        /// The largest number that the command takes.
        maximum: usize,
    },
}

impl fmt::Display for ArgumentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption { word } => {
                write!(f, "it has no option `{}`", String::from_utf8_lossy(word))
            }
            Self::MissingValue { option } => write!(f, "its option `--{option}` needs a value"),
            Self::UnexpectedValue { option } => {
                write!(f, "its option `--{option}` takes no value")
            }
            Self::MalformedValue { option, value } => {
                let value = String::from_utf8_lossy(value);
                write!(f, "the value `{value}` of its option `--{option}` is malformed")
            }
            Self::Help => f.write_str("it only prints its usage"),
            Self::TooFew { arguments, minimum } => {
                write!(f, "it has {} but needs {minimum}", counted(*arguments))
            }
            Self::TooMany { arguments, maximum } => {
                write!(f, "it has {} but takes {maximum}", counted(*arguments))
            }
        }
    }
}

/// A number of arguments, for a message.
pub(crate) fn counted(arguments: usize) -> String {
    let plural = if arguments == 1 { "" } else { "s" };
    format!("{arguments} argument{plural}")
}

/// The meaning of a word that starts with `-`.
enum Found {
    Option(&'static OptionSyntax),
    Help,
}

impl CommandSyntax {
    /// Splits words into options and arguments, as a version does. Options end before the first
    /// word that does not start with `-`, and after the word `--`. The words are those after the
    /// command's name, with their settings expanded.
    ///
    /// # Errors
    /// [`ArgumentProblem`] if the command fails because of these words.
    pub fn parse<'a>(
        &self,
        words: &[&'a [u8]],
        version: Version,
    ) -> Result<Arguments<'a>, ArgumentProblem> {
        let mut options = Vec::new();
        let mut next = 0;
        // The index of the next letter within `-abc`.
        let mut letter = 1;
        while let Some([b'-', rest @ ..]) = words.get(next) {
            let word = *words.get(next).unwrap_or(&rest);
            if rest == b"-" {
                next += 1;
                break;
            }
            let (found, inline, consumed) = if let [b'-', long @ ..] = rest {
                let (found, inline) = self.find_long(long, word, version)?;
                (found, inline, true)
            } else {
                let letters = word.get(letter..).unwrap_or_default();
                let found = self.find_short(letters, word, version)?;
                let behind = letters.get(1..).filter(|behind| !behind.is_empty());
                let takes = matches!(found, Found::Option(option) if option.has_value());
                (found, behind.filter(|_| takes), behind.is_none() || takes)
            };
            (next, letter) = if consumed { (next + 1, 1) } else { (next, letter + 1) };
            let Found::Option(option) = found else { return Err(ArgumentProblem::Help) };
            let value = match (option.value, inline) {
                (OptionValue::None, None) => None,
                (OptionValue::None, Some(_)) => {
                    return Err(ArgumentProblem::UnexpectedValue { option: option.long });
                }
                (OptionValue::Required(_), Some(value)) => Some(value),
                (OptionValue::Required(_), None) => {
                    let value = words.get(next).filter(|word| word.first() != Some(&b'-'));
                    let missing = ArgumentProblem::MissingValue { option: option.long };
                    next += 1;
                    Some(*value.ok_or(missing)?)
                }
            };
            option.check(value.unwrap_or_default(), version)?;
            options.push((option, value));
        }
        let positional = words.get(next..).unwrap_or_default().to_vec();
        let (arguments, minimum, maximum) = (positional.len(), self.minimum, self.maximum);
        if arguments < minimum {
            return Err(ArgumentProblem::TooFew { arguments, minimum });
        }
        if arguments > maximum {
            return Err(ArgumentProblem::TooMany { arguments, maximum });
        }
        Ok(Arguments { options, option_words: next, positional })
    }

    /// Finds the option of `text`, which follows `--`, and the value after its `=`.
    fn find_long<'a>(
        &self,
        text: &'a [u8],
        word: &[u8],
        version: Version,
    ) -> Result<(Found, Option<&'a [u8]>), ArgumentProblem> {
        let is = |name: &str| match text.strip_prefix(name.as_bytes()) {
            Some([]) => Some(None),
            Some([b'=', value @ ..]) => Some(Some(value)),
            _ => None,
        };
        for option in self.options(version) {
            if let Some(inline) = is(option.long) {
                return Ok((Found::Option(option), inline));
            }
        }
        match is("help") {
            Some(None) => Ok((Found::Help, None)),
            Some(Some(_)) => Err(ArgumentProblem::UnexpectedValue { option: "help" }),
            None => Err(ArgumentProblem::UnknownOption { word: word.to_vec() }),
        }
    }

    /// Finds the option of the first of `letters`.
    fn find_short(
        &self,
        letters: &[u8],
        word: &[u8],
        version: Version,
    ) -> Result<Found, ArgumentProblem> {
        let letter = letters.first().copied();
        let mut options = self.options(version);
        if let Some(option) = options.find(|option| Some(option.short) == letter) {
            return Ok(Found::Option(option));
        }
        if letter == Some(b'h') {
            return Ok(Found::Help);
        }
        Err(ArgumentProblem::UnknownOption { word: word.to_vec() })
    }
}

impl OptionSyntax {
    fn has_value(&self) -> bool {
        matches!(self.value, OptionValue::Required(_))
    }

    /// Checks the form of a value, as far as the text shows it.
    fn check(&self, value: &[u8], version: Version) -> Result<(), ArgumentProblem> {
        let OptionValue::Required(form) = self.value else { return Ok(()) };
        let is_number = || number::integer(value, version < Version::V1_21).is_some();
        let well_formed = match form {
            ValueForm::Number => is_number(),
            ValueForm::Key => value.len() == 1 || is_number(),
            ValueForm::Text | ValueForm::Setting | ValueForm::Device => true,
        };
        if well_formed {
            return Ok(());
        }
        Err(ArgumentProblem::MalformedValue { option: self.long, value: value.to_vec() })
    }
}
