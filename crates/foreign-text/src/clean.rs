//! Removes the characters that show as something else than text.

use crate::cut::CutMark;

/// The beginning of each line but the first where text is shown.
pub(crate) const MARGIN: &str = "  | ";

/// The lines of `text` with `separator` between them, without escape sequences, control characters
/// and invisible characters. A tab becomes a space.
///
/// The result has at most `limit` bytes. A [`CutMark`] at its end tells how much was cut off.
pub(crate) fn printable(text: &str, separator: &str, limit: usize) -> String {
    // Only the beginning is cleaned: the rest would be cut off anyway. Escape sequences go, so a
    // longer beginning is looked at.
    let (text, CutMark(cut_before)) = CutMark::split(text);
    let (text, rest) = text.split_at(boundary(text, limit.saturating_mul(4)));
    let lines = text.replace("\r\n", "\n");
    let mut text = join(lines.split(ends_line).map(clean_line), separator);
    let longest = limit.saturating_sub(CutMark::LONGEST);
    if text.len() > longest || !rest.is_empty() || cut_before > 0 {
        let all = text.len();
        text.truncate(boundary(&text, longest));
        // The cut can leave a part of a margin, which is no text.
        text = join(text.split('\n').map(str::to_owned), separator);
        let cut = u64::try_from(all - text.len() + rest.len()).unwrap_or(u64::MAX);
        match cut.saturating_add(cut_before) {
            0 => {}
            cut => text.push_str(&CutMark(cut).to_string()),
        }
    }
    text
}

/// Joins lines without the margins that they have from being shown before, and without the blank
/// end of the text. One line of them all has no blank lines either: their separators could look
/// like a margin.
fn join(lines: impl Iterator<Item = String>, separator: &str) -> String {
    let mut lines: Vec<String> = lines.map(|line| without_margins(&line)).collect();
    let is_blank = |line: &String| line.trim().is_empty();
    if separator.contains('\n') {
        while lines.pop_if(|line| is_blank(line)).is_some() {}
    } else {
        lines.retain(|line| !is_blank(line));
    }
    let mut text = lines.join(separator);
    text.truncate(text.trim_end().len());
    text
}

fn without_margins(line: &str) -> String {
    let mut own = line;
    while let Some(rest) = own.strip_prefix(MARGIN) {
        own = rest;
    }
    if own == MARGIN.trim_end() { String::new() } else { own.to_owned() }
}

/// The last place where `text` can be cut, not after `limit` bytes.
fn boundary(text: &str, limit: usize) -> usize {
    (0..=limit.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// Returns true for the characters that end a line on some terminal or in some viewer (Unicode
/// Standard, section 5.8, "Newline Guidelines"). A carriage return is one of them: the text after
/// it would replace the line on a terminal.
fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn clean_line(line: &str) -> String {
    // An escape sequence that never ends would otherwise hide the lines after it.
    let line = strip_ansi_escapes::strip_str(line.replace('\t', " "));
    line.chars().filter(|character| is_printable(*character)).collect()
}

/// Returns true for a character that shows as itself and does nothing else. Line ends and tabs are
/// no such characters.
///
/// ```
/// use foreign_text::is_printable;
///
/// assert!(is_printable('ü') && !is_printable('\u{1b}') && !is_printable('\u{202e}'));
/// ```
pub fn is_printable(character: char) -> bool {
    !(character.is_control() || ends_line(character) || is_invisible(character))
}

/// Returns true for characters that have no width, or that change the direction or the place of
/// other characters: Unicode's `Default_Ignorable_Code_Point`, which includes `Bidi_Control`, and
/// the marks of interlinear annotations.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}
