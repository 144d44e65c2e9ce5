//! A command with its options and arguments, as far as the text tells them.

use std::borrow::Cow;

use crate::commands::arguments::ArgumentProblem;
use crate::commands::syntax::CommandSyntax;
use crate::dialect::Version;
use crate::script::command::Command;
use crate::script::expansion::Part;
use crate::script::position::Span;
use crate::script::token::Token;

/// Replaces the value of an expansion when the form of a word matters: it is a number, and not an
/// option.
pub(crate) const UNKNOWN: &str = "0777777777";

/// A command of a script.
pub(crate) struct Step<'a> {
    pub(crate) command: &'a Command,
    /// The name, if it does not depend on settings.
    pub(crate) name: Option<&'a str>,
    /// The options with their values.
    pub(crate) options: Vec<(&'static str, Value)>,
    /// The words after the options.
    pub(crate) arguments: &'a [Token],
    /// The reason why the command fails before it does anything.
    pub(crate) problem: Option<ArgumentProblem>,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    None,
    Text(String),
    /// The value depends on settings.
    Unknown,
}

impl<'a> Step<'a> {
    pub(crate) fn new(command: &'a Command) -> Self {
        let name = command.name().filter(|name| name.is_literal());
        let name = name.and_then(|name| std::str::from_utf8(name.bytes()).ok());
        let mut behind = command.tokens().get(1..).unwrap_or_default();
        let mut step =
            Self { command, name, options: Vec::new(), arguments: behind, problem: None };
        let syntax = name.and_then(|name| CommandSyntax::find(name.as_bytes(), Version::V2_0));
        let Some(syntax) = syntax else { return step };
        let all: Vec<Cow<'_, [u8]>> = behind.iter().map(as_read).collect();
        let all: Vec<&[u8]> = all.iter().map(AsRef::as_ref).collect();
        let mut words = &all[..];
        let mut parsed = syntax.parse(words, Version::V2_0);
        // A setting before the first argument may hold an option, as in `choose ${options} target`.
        while let Err(ArgumentProblem::TooMany { .. }) = parsed
            && !syntax.all_options.is_empty()
            && let Some((first, rest)) = behind.split_first()
            && let [Part::Expansion(_)] = first.parts()[..]
        {
            (behind, words) = (rest, words.get(1..).unwrap_or_default());
            parsed = syntax.parse(words, Version::V2_0);
        }
        match parsed {
            Ok(parsed) => {
                step.arguments = behind.get(parsed.option_words..).unwrap_or_default();
                let options = parsed.options.iter();
                step.options =
                    options.map(|(option, value)| (option.long, Value::of(*value))).collect();
            }
            Err(problem) => {
                let first = words.iter().position(|word| !word.starts_with(b"-"));
                step.arguments = behind.get(first.unwrap_or(words.len())..).unwrap_or_default();
                step.problem = Some(problem);
            }
        }
        step
    }

    pub(crate) fn is(&self, names: &[&str]) -> bool {
        self.name.is_some_and(|name| names.contains(&name))
    }

    /// The value of the option of this long name.
    pub(crate) fn option(&self, long: &str) -> Option<&Value> {
        self.options.iter().rev().find(|(option, _)| *option == long).map(|(_, value)| value)
    }

    /// An argument, if it does not depend on settings.
    pub(crate) fn argument(&self, index: usize) -> Option<Cow<'a, str>> {
        self.arguments.get(index).filter(|word| word.is_literal()).map(Token::text)
    }

    /// The arguments joined with spaces, as `set` and menus join them, if none depends on settings.
    pub(crate) fn joined(&self, from: usize) -> Option<String> {
        let words = self.arguments.get(from..)?;
        let texts: Vec<Cow<'_, str>> = words.iter().map(Token::text).collect();
        words.iter().all(Token::is_literal).then(|| texts.join(" "))
    }

    /// The span of the command. It is empty for a command without words.
    pub(crate) fn span(&self) -> Span {
        let separator = self.command.separator_span();
        self.command.span().or(separator).unwrap_or(Span::new(0, 0))
    }
}

impl Value {
    fn of(value: Option<&[u8]>) -> Self {
        match value.map(String::from_utf8_lossy) {
            None => Self::None,
            Some(text) if text.contains(UNKNOWN) => Self::Unknown,
            Some(text) => Self::Text(text.into_owned()),
        }
    }
}

/// A word with its expansions replaced.
fn as_read(word: &Token) -> Cow<'_, [u8]> {
    if word.is_literal() {
        return Cow::Borrowed(word.bytes());
    }
    let mut text = Vec::new();
    for part in word.parts() {
        text.extend_from_slice(match part {
            Part::Literal(literal) => literal,
            Part::Expansion(_) => UNKNOWN.as_bytes(),
        });
    }
    Cow::Owned(text)
}
