//! Checks commands, their options and their arguments against the build.

use crate::build::capabilities::WITHOUT_SYNTAX;
use crate::commands::arguments::ArgumentProblem;
use crate::commands::syntax::{ARGUMENT_LIMIT, CommandSyntax};
use crate::dialect::Version;
use crate::lint::finding_kind::LintFindingKind;
use crate::lint::graph::Graph;
use crate::lint::reader::Reader;
use crate::lint::step::{Step, UNKNOWN, Value};
use crate::number;
use crate::script::expansion::Part;
use crate::script::position::Span;
use crate::script::token::Token;

/// The largest length of a kernel command line in bytes. x86 kernels take 2048 bytes including the
/// final NUL (`COMMAND_LINE_SIZE`), and iPXE on BIOS truncates there silently.
const COMMAND_LINE_LIMIT: usize = 2047;

/// Commands that give an image the rest of the line as its command line.
pub(crate) const IMAGE_COMMANDS: [&str; 7] =
    ["kernel", "imgselect", "imgload", "imgargs", "chain", "boot", "imgexec"];

/// Commands that join their arguments to one text.
const JOINED: [&str; 8] = ["echo", "form", "item", "menu", "param", "prompt", "set", "time"];

/// Commands that some builds have, and that this crate knows only by name.
const ELSEWHERE: [&str; 8] =
    ["fcels", "fcstat", "gdbstub", "imgset", "lotest", "profstat", "startpxe", "stoppxe"];

pub(crate) fn check(reader: &mut Reader<'_>) {
    let mut found = Vec::new();
    for (node, step) in reader.graph.steps.iter().enumerate() {
        let Some(name) = step.name else { continue };
        let command = || name.to_owned();
        if !reader.build.has_command(name) {
            let syntax = CommandSyntax::find(name.as_bytes(), Version::V2_0);
            let elsewhere =
                syntax.is_some() || WITHOUT_SYNTAX.contains(&name) || ELSEWHERE.contains(&name);
            if !elsewhere || is_needed(&reader.graph, node) {
                let span = step.command.name().map_or(step.span(), Token::span);
                found.push((
                    span,
                    LintFindingKind::UnknownCommand { command: command(), elsewhere },
                ));
            }
            continue;
        }
        if let Some(problem) = &step.problem {
            found.extend(of_problem(step, name, problem));
            continue;
        }
        let lacking =
            step.options.iter().filter(|(option, _)| !reader.build.has_option(name, option));
        for (option, _) in lacking.filter(|_| is_needed(&reader.graph, node)) {
            let option = format!("--{option}");
            let kind =
                LintFindingKind::UnknownOption { command: command(), option, elsewhere: true };
            found.push((step.span(), kind));
        }
        found.extend(values_read_as_options(reader, step, name));
        found.extend(misplaced(step, name));
        found.extend(of_numbers(step, name));
        let is_constant = step.arguments.iter().all(Token::is_literal)
            || (step.is(&["isset"]) && step.arguments.iter().any(is_never_empty));
        if step.is(&["isset", "iseq"]) && is_constant {
            found.push((step.span(), LintFindingKind::ConstantCondition { command: command() }));
        }
        if IMAGE_COMMANDS.contains(&name) {
            found.extend(of_command_line(step));
        }
    }
    reader.find_all(found);
}

/// Returns true if the script needs the command: a failure ends the script or is handled as an
/// error. A trailing `||` or another command to try means that the script does not need it.
pub(crate) fn is_needed(graph: &Graph<'_>, node: usize) -> bool {
    let Some(next) = graph.edges(node).failure else { return true };
    match graph.step(next) {
        None => true,
        Some(step) => step.is(&["goto", "exit", "echo", "prompt"]),
    }
}

/// Returns true if the word has text outside of its expansions.
fn is_never_empty(word: &Token) -> bool {
    word.parts().iter().any(|part| matches!(part, Part::Literal(_)))
}

fn of_problem(
    step: &Step<'_>,
    name: &str,
    problem: &ArgumentProblem,
) -> Option<(Span, LintFindingKind)> {
    let command = name.to_owned();
    let kind = match problem {
        ArgumentProblem::UnknownOption { word } => {
            let written = step.command.arguments().iter().any(|token| token.bytes() == word);
            if !written {
                return None;
            }
            let option = String::from_utf8_lossy(word).into_owned();
            LintFindingKind::UnknownOption { command, option, elsewhere: false }
        }
        ArgumentProblem::TooFew { arguments, minimum } => {
            let maximum = CommandSyntax::find(name.as_bytes(), Version::V2_0)?.maximum;
            let (arguments, minimum) = (*arguments, *minimum);
            LintFindingKind::ArgumentCount { command, arguments, minimum, maximum }
        }
        ArgumentProblem::TooMany { arguments, maximum: ARGUMENT_LIMIT } => {
            let (arguments, limit) = (*arguments, ARGUMENT_LIMIT);
            LintFindingKind::TooManyArguments { command, arguments, limit }
        }
        ArgumentProblem::TooMany { arguments, maximum } => {
            let minimum = CommandSyntax::find(name.as_bytes(), Version::V2_0)?.minimum;
            let (arguments, maximum) = (*arguments, *maximum);
            LintFindingKind::ArgumentCount { command, arguments, minimum, maximum }
        }
        other => {
            let problem = other.to_string().replace(UNKNOWN, "${…}");
            LintFindingKind::OptionValue { command, problem }
        }
    };
    Some((step.span(), kind))
}

/// Finds settings whose value iPXE takes for an option: it looks for options after it has expanded
/// settings. A value stays one word, so it can be no option with a value in the next word.
fn values_read_as_options(
    reader: &Reader<'_>,
    step: &Step<'_>,
    name: &str,
) -> Option<(Span, LintFindingKind)> {
    let syntax = CommandSyntax::find(name.as_bytes(), Version::V2_0)?;
    let words = step.command.arguments();
    // The last word that can be an option is the first argument.
    let end = words.len() - step.arguments.len() + 1;
    let has_end = words.iter().take(end).any(|word| word.bytes() == b"--");
    let open = words.iter().take(end).filter(|word| !has_end && !word.is_literal());
    for word in open {
        let values = reader.graph.values.some_of_word(word);
        let wrong = values.into_iter().filter(|value| value.starts_with('-')).find(|value| {
            let read = syntax.parse(&[value.as_bytes()], Version::V2_0);
            matches!(read, Err(ArgumentProblem::UnknownOption { .. }))
        });
        if let Some(option) = wrong {
            let command = name.to_owned();
            let kind = LintFindingKind::UnknownOption { command, option, elsewhere: false };
            return Some((word.span(), kind));
        }
    }
    None
}

/// Finds options after the first argument, where iPXE does not look for options.
fn misplaced<'s>(
    step: &'s Step<'_>,
    name: &'s str,
) -> impl Iterator<Item = (Span, LintFindingKind)> + 's {
    let syntax = CommandSyntax::find(name.as_bytes(), Version::V2_0);
    let options = syntax.filter(|_| !JOINED.contains(&name)).map_or(&[][..], |it| it.all_options);
    let words = step.arguments.get(1..).unwrap_or_default().iter();
    words.filter_map(move |word| {
        let long = word.bytes().strip_prefix(b"--")?;
        let long = long.split(|byte| *byte == b'=').next()?;
        options.iter().find(|option| option.long.as_bytes() == long)?;
        let (command, option) = (name.to_owned(), word.text().into_owned());
        Some((word.span(), LintFindingKind::MisplacedOption { command, option }))
    })
}

fn of_numbers(step: &Step<'_>, name: &str) -> Option<(Span, LintFindingKind)> {
    let index = match name {
        "sleep" | "exit" | "cpuid" => 0,
        "inc" => 1,
        _ => return None,
    };
    let argument = step.argument(index)?;
    // Builds of 2019 take an empty text as 0.
    match number::integer(argument.as_bytes(), true) {
        None => {
            let (command, argument) = (name.to_owned(), argument.into_owned());
            Some((step.span(), LintFindingKind::MalformedNumber { command, argument }))
        }
        Some(0) if name == "sleep" => Some((step.span(), LintFindingKind::ZeroSleep)),
        Some(_) => None,
    }
}

/// Checks the length of a command line without its settings, which can only make it longer.
fn of_command_line(step: &Step<'_>) -> Option<(Span, LintFindingKind)> {
    let (url, parameters) = step.arguments.split_first()?;
    let image = match step.option("name") {
        Some(Value::Text(name)) => name.len(),
        Some(Value::Unknown | Value::None) => 0,
        None => url.bytes().rsplit(|byte| *byte == b'/').next().map_or(0, <[u8]>::len),
    };
    let length = image + parameters.iter().map(|word| 1 + literal_length(word)).sum::<usize>();
    let limit = COMMAND_LINE_LIMIT;
    (length > limit).then_some((step.span(), LintFindingKind::CommandLineTooLong { length, limit }))
}

fn literal_length(word: &Token) -> usize {
    if word.is_literal() {
        return word.bytes().len();
    }
    let parts = word.parts().into_iter();
    parts.map(|part| if let Part::Literal(text) = part { text.len() } else { 0 }).sum()
}
