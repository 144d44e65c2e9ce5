//! Checks for words that iPXE does not read as they look.

use crate::lint::commands::IMAGE_COMMANDS;
use crate::lint::finding_kind::LintFindingKind;
use crate::lint::reader::Reader;
use crate::script::command::{Command, Separator};
use crate::script::line::LogicalLine;
use crate::script::position::Span;
use crate::script::token::Token;

/// Commands that print their arguments, so any text is allowed.
const TEXT_COMMANDS: [&str; 6] = ["echo", "form", "item", "menu", "param", "prompt"];

pub(crate) fn check(reader: &mut Reader<'_>) {
    let script = reader.script;
    for line in script.lines() {
        check_comment(reader, line);
        check_separators(reader, line);
        for command in line.commands() {
            check_expansions(reader, command);
            check_shell_syntax(reader, command);
        }
    }
}

fn check_comment(reader: &mut Reader<'_>, line: &LogicalLine) {
    let Some(span) = line.comment() else { return };
    let last = line.commands().last();
    if !line.commands().iter().any(|command| command.name().is_some()) {
        return;
    }
    let comment = reader.script.excerpt(span).into_owned();
    if comment.split_ascii_whitespace().any(|word| Separator::of_word(word.as_bytes()).is_some()) {
        reader.find(span, LintFindingKind::CommentHidesSeparator { comment });
    } else if last.is_some_and(prints_text)
        && comment.chars().nth(1).is_some_and(|next| next != '#' && !next.is_whitespace())
    {
        reader.find(span, LintFindingKind::CommentCutsArguments { comment });
    }
}

/// Returns true if the command prints its arguments. A `#` behind other commands is a comment that
/// is meant.
fn prints_text(command: &Command) -> bool {
    command.name().is_some_and(|name| TEXT_COMMANDS.contains(&name.text().as_ref()))
}

fn check_separators(reader: &mut Reader<'_>, line: &LogicalLine) {
    let commands = line.commands();
    for (index, command) in commands.iter().enumerate() {
        let Some((separator, span)) = command.separator().zip(command.separator_span()) else {
            continue;
        };
        let before = index.checked_sub(1).and_then(|before| commands.get(before));
        let is_first = index == 1 && before.is_some_and(|before| before.name().is_none());
        let leads_nowhere = separator == Separator::And && command.name().is_none();
        if is_first || leads_nowhere {
            let separator = separator.to_string();
            reader.find(span, LintFindingKind::DanglingSeparator { separator });
        }
    }
    let glued = commands.iter().flat_map(|command| {
        let words = command.tokens();
        let followers = words.iter().skip(1).map(Some).chain([None]);
        words.iter().zip(followers).filter(|(word, next)| is_glued(word, *next))
    });
    let found: Vec<(Span, LintFindingKind)> = glued
        .map(|(word, _)| {
            (word.span(), LintFindingKind::GluedSeparator { word: word.text().into_owned() })
        })
        .collect();
    reader.find_all(found);
}

/// Returns true if the word contains a separator that was meant to separate commands. A `;` counts
/// at the end of a word before a command.
fn is_glued(word: &Token, next: Option<&Token>) -> bool {
    use crate::commands::syntax::CommandSyntax;
    use crate::dialect::Version;
    let text = word.bytes();
    let has = |pair: &[u8]| text.windows(2).any(|window| window == pair);
    let is_command = |word: &Token| CommandSyntax::find(word.bytes(), Version::V2_0).is_some();
    has(b"&&") || has(b"||") || (text.ends_with(b";") && next.is_some_and(is_command))
}

fn check_expansions(reader: &mut Reader<'_>, command: &Command) {
    let words = command.tokens();
    // The last word that could close a `${` before it.
    let last = words.iter().rposition(|word| word.bytes().contains(&b'}')).unwrap_or(0);
    let mut open: Option<&Token> = None;
    for (index, word) in words.iter().enumerate() {
        if let Some(first) = open
            && word.bytes().contains(&b'}')
        {
            let span = Span::new(first.span().start, word.span().end);
            let words = reader.script.excerpt(span).into_owned();
            reader.find(span, LintFindingKind::SplitExpansion { words });
            open = None;
        } else if open.is_none() && is_open(word.bytes()) {
            if index < last {
                open = Some(word);
            } else {
                let text = word.text().into_owned();
                reader.find(word.span(), LintFindingKind::OpenExpansion { word: text });
            }
        }
    }
}

/// Returns true if the word contains a `${` without its `}`.
fn is_open(word: &[u8]) -> bool {
    let mut open = 0_usize;
    for (index, byte) in word.iter().enumerate() {
        if *byte == b'$' && word.get(index + 1) == Some(&b'{') {
            open += 1;
        } else if *byte == b'}' {
            open = open.saturating_sub(1);
        }
    }
    open > 0
}

fn check_shell_syntax(reader: &mut Reader<'_>, command: &Command) {
    let Some(name) = command.name().map(Token::text) else { return };
    if TEXT_COMMANDS.contains(&name.as_ref()) || (name == "set" && !is_quoted(command)) {
        return;
    }
    // After the URL, the rules of the kernel apply. It has no use for a single `|` or `&`.
    let is_image = IMAGE_COMMANDS.contains(&name.as_ref());
    let options = command.arguments().iter().take_while(|word| word.bytes().starts_with(b"-"));
    let end = if is_image { options.count() + 1 } else { usize::MAX };
    let is_wrong = |(index, word): &(usize, &Token)| match word.bytes() {
        b"|" | b"&" => true,
        text => *index < end && is_of_a_shell(text),
    };
    let found: Vec<(Span, LintFindingKind)> = command
        .arguments()
        .iter()
        .enumerate()
        .filter(is_wrong)
        .map(|(_, word)| {
            (word.span(), LintFindingKind::ShellSyntax { word: word.text().into_owned() })
        })
        .collect();
    reader.find_all(found);
}

/// Returns true if quotes enclose the whole value of a setting.
fn is_quoted(command: &Command) -> bool {
    let words = command.arguments();
    let (Some(first), Some(last)) = (words.get(1), words.last()) else { return false };
    let quote = first.bytes().first().filter(|byte| matches!(byte, b'"' | b'\''));
    quote.is_some() && last.bytes().last() == quote
}

fn is_of_a_shell(word: &[u8]) -> bool {
    let is_operator = matches!(word, b">" | b">>" | b"<" | b"2>&1");
    let quoted = |quote: u8| word.len() > 1 && word.first() == Some(&quote);
    is_operator
        || quoted(b'"')
        || quoted(b'\'')
        || word.starts_with(b"$(")
        || word.starts_with(b"`")
}
