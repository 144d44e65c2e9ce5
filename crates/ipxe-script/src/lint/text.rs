//! Checks the bytes and lines of a script.

use crate::build::capability::Platform;
use crate::lint::finding_kind::LintFindingKind;
use crate::lint::reader::Reader;
use crate::script::command::Command;
use crate::script::line::{LINE_WORD_LIMIT, LogicalLine};
use crate::script::position::Span;

pub(crate) fn check(reader: &mut Reader<'_>) {
    let script = reader.script;
    let source = script.source();
    if let Err(problem) = script.magic() {
        let end = source.iter().position(|byte| *byte == b'\n').unwrap_or(source.len());
        reader.find(Span::new(0, end), LintFindingKind::Magic { problem: problem.to_string() });
    }
    // iPXE drops the one at the end of a line. One finding is enough.
    let is_inside = |(index, byte): &(usize, &u8)| {
        **byte == b'\r' && !matches!(source.get(index + 1), None | Some(b'\n'))
    };
    if let Some((start, _)) = source.iter().enumerate().find(is_inside) {
        reader.find(Span::new(start, start + 1), LintFindingKind::CarriageReturn);
    }
    for line in script.lines() {
        if let Some(cut) = line.cut() {
            reader.find(Span::new(cut.start, cut.start + 1), LintFindingKind::Nul);
        }
        if line.is_open() {
            let start = line.joins().last().copied().unwrap_or(line.span().start);
            reader.find(Span::new(start, start + 1), LintFindingKind::OpenEnd);
        }
        let (words, limit) = (line.word_count(), LINE_WORD_LIMIT);
        if words > limit && reader.build.runs_on(Platform::Bios) {
            reader.find(line.span(), LintFindingKind::TooManyWords { words, limit });
        }
        check_comment(reader, line);
        check_characters(reader, line);
    }
}

fn check_comment(reader: &mut Reader<'_>, line: &LogicalLine) {
    let Some(comment) = line.comment() else { return };
    let Some(join) = line.joins().iter().find(|join| **join > comment.start) else { return };
    let behind = Span::new(join + 1, line.span().end);
    let swallowed = reader.script.excerpt(behind).trim().to_owned();
    if !swallowed.is_empty() && !swallowed.starts_with('#') {
        reader.find(Span::new(*join, join + 1), LintFindingKind::ContinuedComment { swallowed });
    }
}

/// Checks the characters of a line outside its comment.
fn check_characters(reader: &mut Reader<'_>, line: &LogicalLine) {
    let Span { start, end } = line.span();
    let end = line.comment().or(line.cut()).map_or(end, |rest| rest.start);
    let bytes = reader.script.source().get(start..end).unwrap_or_default();
    let is_control =
        |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\0');
    let control = bytes.iter().position(is_control).map(|offset| (start + offset, bytes[offset]));
    if let Some((offset, byte)) = control {
        reader.find(Span::new(offset, offset + 1), LintFindingKind::ControlCharacter { byte });
    }
    if bytes.is_ascii() {
        return;
    }
    let words = line.commands().iter().flat_map(Command::tokens);
    let foreign = words.filter(|word| !word.bytes().is_ascii());
    let found = foreign
        .map(|word| (word.span(), LintFindingKind::NotAscii { word: word.text().into_owned() }));
    let label = line.label().filter(|label| !label.name().is_ascii());
    let label = label
        .map(|label| (label.span(), LintFindingKind::NotAscii { word: label.text().into_owned() }));
    reader.find_all(found.chain(label));
}
