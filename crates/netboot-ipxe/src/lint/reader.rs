//! A script with each of its commands understood as far as its text tells.

use std::borrow::Cow;

use super::graph::Graph;
use super::walk::Walker;
use super::{Finding, FindingKind};
use crate::Target;
use crate::script::{ArgumentProblem, Command, CommandSyntax, Script, Span, Token, Version};

/// Stands for the value of an expansion where the form of a word matters: it is a number, and no
/// option.
const UNKNOWN: &str = "0777777777";

/// What all checks share.
pub(super) struct Reader<'a> {
    pub(super) script: &'a Script,
    pub(super) target: &'a Target,
    pub(super) graph: Graph<'a>,
    pub(super) walker: Walker,
    findings: Vec<Finding>,
}

/// A command where it stands.
pub(super) struct Step<'a> {
    pub(super) command: &'a Command,
    /// Its name, if that is text.
    pub(super) name: Option<&'a str>,
    /// The options with their values.
    pub(super) options: Vec<(&'static str, Value)>,
    /// The words behind the options.
    pub(super) arguments: &'a [Token],
    /// Why it fails before it does anything.
    pub(super) problem: Option<ArgumentProblem>,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    None,
    Text(String),
    /// It depends on settings.
    Unknown,
}

impl<'a> Step<'a> {
    pub(super) fn new(command: &'a Command) -> Self {
        let tokens = command.tokens();
        let name = command.name().filter(|name| name.is_literal());
        let name = name.and_then(|name| std::str::from_utf8(name.bytes()).ok());
        let behind = tokens.get(1..).unwrap_or_default();
        let mut step =
            Self { command, name, options: Vec::new(), arguments: behind, problem: None };
        let syntax = name.and_then(|name| CommandSyntax::find(name.as_bytes(), Version::V2_0));
        let Some(syntax) = syntax else { return step };
        let words: Vec<Cow<'_, [u8]>> = behind.iter().map(as_read).collect();
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        match syntax.parse(&words, Version::V2_0) {
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

    pub(super) fn is(&self, names: &[&str]) -> bool {
        self.name.is_some_and(|name| names.contains(&name))
    }

    /// The value of an option, by its long name.
    pub(super) fn option(&self, long: &str) -> Option<&Value> {
        self.options.iter().rev().find(|(option, _)| *option == long).map(|(_, value)| value)
    }

    /// An argument, if it is text.
    pub(super) fn argument(&self, index: usize) -> Option<Cow<'a, str>> {
        self.arguments.get(index).filter(|word| word.is_literal()).map(Token::text)
    }

    /// All arguments in one, if they are text: as `set` and menus join them.
    pub(super) fn joined(&self, from: usize) -> Option<String> {
        let words = self.arguments.get(from..)?;
        let texts: Vec<Cow<'_, str>> = words.iter().map(Token::text).collect();
        words.iter().all(Token::is_literal).then(|| texts.join(" "))
    }

    /// Where it stands; an empty span for a command without words.
    pub(super) fn span(&self) -> Span {
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

/// A word with something in the place of its expansions.
fn as_read(word: &Token) -> Cow<'_, [u8]> {
    use crate::script::Part;
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

impl<'a> Reader<'a> {
    pub(super) fn new(script: &'a Script, target: &'a Target) -> Self {
        let graph = Graph::new(script);
        let walker = Walker::new(graph.len());
        Self { script, target, graph, walker, findings: Vec::new() }
    }

    pub(super) fn find(&mut self, span: Span, kind: FindingKind) {
        let position = self.script.position(span.start);
        self.findings.push(Finding::new(kind, span, position));
    }

    /// Reports what was found while the graph was borrowed.
    pub(super) fn find_all(&mut self, found: impl IntoIterator<Item = (Span, FindingKind)>) {
        for (span, kind) in found {
            self.find(span, kind);
        }
    }

    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| (finding.start, finding.end));
        self.findings.dedup();
        self.findings
    }
}
