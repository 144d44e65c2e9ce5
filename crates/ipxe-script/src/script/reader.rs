//! Splits the bytes of a script into logical lines.

use crate::script::command::{Command, Separator};
use crate::script::line::{LabelDefinition, LogicalLine};
use crate::script::position::Span;
use crate::script::token;
use crate::script::token::{Token, is_space};

/// The text of a line that is being joined, and the place in the source of each stretch of it.
#[derive(Default)]
struct Joined {
    text: Vec<u8>,
    /// The offsets in `text` and in the source at which stretches start, in ascending order.
    stretches: Vec<(usize, usize)>,
}

impl Joined {
    fn clear(&mut self) {
        self.text.clear();
        self.stretches.clear();
    }

    fn push(&mut self, source: &[u8], start: usize, end: usize) {
        let here = self.text.len();
        // A stretch may have had nothing but a `\` or carriage return, which was removed.
        while self.stretches.last().is_some_and(|(begin, _)| *begin >= here) {
            self.stretches.pop();
        }
        self.stretches.push((here, start));
        self.text.extend_from_slice(source.get(start..end).unwrap_or_default());
    }

    /// The offset in the source of a byte of the text.
    fn offset(&self, byte: usize) -> usize {
        let behind = self.stretches.partition_point(|(begin, _)| *begin <= byte);
        let stretch = behind.checked_sub(1).and_then(|index| self.stretches.get(index));
        stretch.map_or(0, |(begin, start)| start + (byte - begin))
    }

    /// The span in the source of a range of the text that is not empty.
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.offset(start), self.offset(end.saturating_sub(1)) + 1)
    }
}

/// All lines of a source, in order.
pub(crate) fn lines(source: &[u8]) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut joined = Joined::default();
    let mut joins = Vec::new();
    let mut first = 0;
    let mut start = 0;
    while start < source.len() {
        let rest = source.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let end = start + length;
        let next = source.len().min(end + 1);
        joined.push(source, start, end);
        // As in iPXE, the byte may belong to an earlier stretch: `a\\` and an empty line are joined
        // with the line after them.
        if joined.text.last() == Some(&b'\r') {
            joined.text.pop();
        }
        let continues = joined.text.last() == Some(&b'\\');
        if continues {
            joins.push(joined.offset(joined.text.len() - 1));
            joined.text.pop();
        }
        if !continues || next == source.len() {
            let joins = std::mem::take(&mut joins);
            lines.push(line(&joined, Span::new(first, next), joins, continues));
            joined.clear();
            first = next;
        }
        start = next;
    }
    lines
}

fn line(joined: &Joined, span: Span, joins: Vec<usize>, open: bool) -> LogicalLine {
    let whole = joined.text.as_slice();
    let nul = whole.iter().position(|byte| *byte == 0);
    let text = nul.and_then(|end| whole.get(..end)).unwrap_or(whole);
    let cut = nul.map(|start| joined.span(start, whole.len()));

    let begin = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
    let (label, rest) = match text.get(begin) {
        Some(b':') => {
            let behind = text.get(begin..).unwrap_or_default();
            let end = behind.iter().position(|byte| is_space(*byte));
            let end = end.map_or(text.len(), |length| begin + length);
            let name = text.get(begin + 1..end).unwrap_or_default().into();
            (Some(LabelDefinition { name, span: joined.span(begin, end) }), end)
        }
        _ => (None, begin),
    };
    let command_text = text.get(rest..).unwrap_or_default();
    let (words, comment) = token::split(command_text);
    let comment_text = comment.and_then(|start| command_text.get(start..)).unwrap_or_default();
    let comment_words = comment_text.split(|byte| is_space(*byte)).filter(|word| !word.is_empty());
    let word_count = words.len() + comment_words.count();
    let comment = comment.map(|start| joined.span(rest + start, text.len()));

    let mut commands = Vec::new();
    let mut command = Command { separator: None, tokens: Vec::new() };
    for (start, end) in words {
        let bytes = command_text.get(start..end).unwrap_or_default();
        let span = joined.span(rest + start, rest + end);
        if let Some(separator) = Separator::of_word(bytes) {
            let next = Command { separator: Some((separator, span)), tokens: Vec::new() };
            commands.push(std::mem::replace(&mut command, next));
        } else {
            command.tokens.push(Token { bytes: bytes.into(), span });
        }
    }
    commands.push(command);
    LogicalLine { span, joins, open, label, commands, comment, cut, word_count }
}
