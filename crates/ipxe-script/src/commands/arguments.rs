//! Options, which iPXE looks for after settings are expanded (iPXE's `src/core/getopt.c` and
//! `src/core/parseopt.c`).

use std::fmt;

use crate::commands::syntax::{CommandSyntax, OptionSyntax, OptionValue, ValueForm};
use crate::dialect::Version;
use crate::number;

/// The words behind a command's name, told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arguments<'a> {
    /// The options in order, each with its value; a later one takes the place of an earlier.
    pub options: Vec<(&'static OptionSyntax, Option<&'a [u8]>)>,
    /// How many of the words are options, values of options, and `--`.
    pub option_words: usize,
    /// The arguments.
    pub positional: Vec<&'a [u8]>,
}

impl<'a> Arguments<'a> {
    /// Whether an option is there, by its long name.
    pub fn has(&self, long: &str) -> bool {
        self.options.iter().any(|(option, _)| option.long == long)
    }

    /// The value of an option, by its long name.
    pub fn value(&self, long: &str) -> Option<&'a [u8]> {
        self.options.iter().rev().find(|(option, _)| option.long == long)?.1
    }
}

/// Why a command fails before it does anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArgumentProblem {
    /// A word begins with `-` where options are looked for, and is none.
    UnknownOption {
        /// The word.
        word: Vec<u8>,
    },
    /// An option has no value: the next word begins with `-`, or there is none.
    MissingValue {
        /// The option's long name.
        option: &'static str,
    },
    /// An option that has no value was given one.
    UnexpectedValue {
        /// The option's long name.
        option: &'static str,
    },
    /// An option's value is not of the form that it has to be.
    MalformedValue {
        /// The option's long name.
        option: &'static str,
        /// The value.
        value: Vec<u8>,
    },
    /// `--help`: the command prints how it is used, and fails.
    Help,
    /// There are too few arguments.
    TooFew {
        /// How many there are.
        arguments: usize,
        /// How many there have to be.
        minimum: usize,
    },
    /// There are too many arguments.
    TooMany {
        /// How many there are.
        arguments: usize,
        /// How many there may be.
        maximum: usize,
    },
}

impl fmt::Display for ArgumentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption { word } => {
                write!(f, "it has no option `{}`", String::from_utf8_lossy(word))
            }
            Self::MissingValue { option } => write!(f, "its option `--{option}` has no value"),
            Self::UnexpectedValue { option } => {
                write!(f, "its option `--{option}` has a value and takes none")
            }
            Self::MalformedValue { option, value } => {
                let value = String::from_utf8_lossy(value);
                write!(f, "the value `{value}` of its option `--{option}` is malformed")
            }
            Self::Help => f.write_str("it only prints its usage"),
            Self::TooFew { arguments, minimum } => {
                write!(f, "it has {} and needs {minimum}", counted(*arguments))
            }
            Self::TooMany { arguments, maximum } => {
                write!(f, "it has {} and takes {maximum}", counted(*arguments))
            }
        }
    }
}

/// A number of arguments, for a message.
pub(crate) fn counted(arguments: usize) -> String {
    let plural = if arguments == 1 { "" } else { "s" };
    format!("{arguments} argument{plural}")
}

/// What a word that begins with `-` is.
enum Found {
    Option(&'static OptionSyntax),
    Help,
}

impl CommandSyntax {
    /// Tells options and arguments apart, as a version does: it stops to look for options at the
    /// first word that does not begin with `-`, and behind a word `--`. The words are those behind
    /// the command's name, with their settings expanded.
    ///
    /// # Errors
    /// Why the command fails.
    pub fn parse<'a>(
        &self,
        words: &[&'a [u8]],
        version: Version,
    ) -> Result<Arguments<'a>, ArgumentProblem> {
        let mut options = Vec::new();
        let mut next = 0;
        // Within `-abc`, where the next letter is.
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

    /// The option that `text` behind `--` is, and what follows its `=`.
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

    /// The option that the first of `letters` is.
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

    /// Checks the form of a value, as far as the text tells.
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
