//! A terminal that turns the output of firmware, iPXE and Linux into lines of text.

use foreign_text::is_printable;

/// The width at which `SeaBIOS` breaks lines on its serial console.
const BIOS_WIDTH: usize = 80;

/// The maximum length of a line, in characters. A longer line is split there, to bound memory.
const LINE_LIMIT: usize = 16 * 1024;

/// The text of a line, at a moment when it may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown<'a> {
    /// The line so far. More text may follow, or the line may be erased.
    Partial(&'a str),
    /// The whole line.
    Finished(&'a str),
}

/// Follows carriage returns, backspaces and the escape sequences of ECMA-48, as far as a line of
/// text needs them. A sequence that moves to another line or clears the screen ends the line.
///
/// The lines do not depend on how the bytes are divided into reads. A first attempt with the crate
/// `vte` failed the test of this rule, which is why the sequences are read here.
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    line: Vec<char>,
    column: usize,
    /// The number of columns in the rows above, if this row continues a wrapped line.
    wrapped: usize,
    joins_wrapped_lines: bool,
    /// True if there is text that was not shown yet.
    unread: bool,
    escape: Escape,
    /// The first bytes of an incomplete UTF-8 character.
    pending: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    /// After ESC.
    Begun,
    /// After ESC and a byte that needs one more, such as `(`.
    OneMore,
    /// In a control sequence, after this byte.
    Control(u8),
    /// In a string that ends with BEL or ST.
    Text,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sets whether a line of exactly 80 columns continues in the next row, as under `SeaBIOS`.
    pub(crate) fn join_wrapped_lines(&mut self, join: bool) {
        self.joins_wrapped_lines = join;
    }

    /// Processes the bytes, and shows each line before any part of it disappears.
    pub(crate) fn feed(&mut self, bytes: &[u8], show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        for &byte in bytes {
            self.take(byte, show);
        }
        self.show_partial(show);
    }

    /// Ends the last line.
    pub(crate) fn finish(&mut self, show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        if !self.line.is_empty() {
            self.end_line(show);
        }
    }

    fn take(&mut self, byte: u8, show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        if self.escape != Escape::None {
            self.take_escape(byte, show);
            return;
        }
        if byte < 0x80 && !self.pending.is_empty() {
            self.pending.clear();
            self.put(char::REPLACEMENT_CHARACTER, show);
        }
        match byte {
            0x1b => self.escape = Escape::Begun,
            b'\n' => self.new_line(show),
            b'\r' => {
                self.show_partial(show);
                self.column = self.wrapped;
            }
            0x08 => {
                self.show_partial(show);
                self.column = self.column.saturating_sub(1).max(self.wrapped);
            }
            b'\t' | 0x20..=0x7e => self.put(char::from(byte), show),
            0x80.. => self.take_utf8(byte, show),
            _ => {}
        }
    }

    fn take_utf8(&mut self, byte: u8, show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        self.pending.push(byte);
        let character = match std::str::from_utf8(&self.pending) {
            Ok(text) => text.chars().next(),
            Err(error) if error.error_len().is_none() => None,
            Err(_) => Some(char::REPLACEMENT_CHARACTER),
        };
        if let Some(character) = character {
            self.pending.clear();
            self.put(character, show);
        }
    }

    fn take_escape(&mut self, byte: u8, show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        self.escape = match (self.escape, byte) {
            (Escape::Begun, b'[') => Escape::Control(0),
            (Escape::Begun, b']' | b'P' | b'^' | b'_' | b'X') => Escape::Text,
            (Escape::Begun, b' '..=b'/') => Escape::OneMore,
            // ST is ESC and a backslash: ESC leads to `Begun`, and the backslash ends the string.
            (Escape::Text, 0x1b) => Escape::Begun,
            (Escape::Text, byte) if byte != 0x07 => Escape::Text,
            (Escape::Control(_), b' '..=b'?') => Escape::Control(byte),
            // A reset; clearing the whole screen; the cursor to another line.
            (Escape::Begun, b'c')
            | (Escape::Control(b'2' | b'3'), b'J')
            | (Escape::Control(_), b'A' | b'B' | b'E' | b'F' | b'H' | b'd' | b'f') => {
                self.finish(show);
                Escape::None
            }
            (Escape::Control(_), b'J' | b'K') => {
                self.show_partial(show);
                self.line.truncate(self.column);
                Escape::None
            }
            _ => Escape::None,
        };
    }

    fn put(&mut self, character: char, show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        if !is_printable(character) && character != '\t' {
            return;
        }
        if self.column >= self.line.len() {
            self.line.resize(self.column, ' ');
            self.line.push(character);
        } else if let Some(place) = self.line.get_mut(self.column) {
            *place = character;
        }
        self.column += 1;
        self.unread = true;
        if self.line.len() >= LINE_LIMIT {
            self.end_line(show);
        }
    }

    fn new_line(&mut self, show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        let full = self.line.len() == self.wrapped + BIOS_WIDTH;
        // The caller may recognise Linux by this text. Linux does not wrap lines.
        self.show_partial(show);
        if full && self.joins_wrapped_lines {
            self.wrapped = self.line.len();
            self.column = self.wrapped;
        } else {
            self.end_line(show);
        }
    }

    fn show_partial(&mut self, show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        if std::mem::take(&mut self.unread) {
            let text = self.text();
            show(self, Shown::Partial(&text));
        }
    }

    fn end_line(&mut self, show: &mut impl FnMut(&mut Self, Shown<'_>)) {
        let text = self.text();
        self.line.clear();
        self.column = 0;
        self.wrapped = 0;
        self.unread = false;
        show(self, Shown::Finished(&text));
    }

    fn text(&self) -> String {
        let text: String = self.line.iter().collect();
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8], join: bool) -> Vec<String> {
        let mut terminal = Terminal::new();
        terminal.join_wrapped_lines(join);
        let mut lines = Vec::new();
        let mut show = |_: &mut Terminal, shown: Shown<'_>| {
            if let Shown::Finished(line) = shown {
                lines.push(line.to_owned());
            }
        };
        terminal.feed(bytes, &mut show);
        terminal.finish(&mut show);
        lines
    }

    #[test]
    fn what_is_erased_was_shown_before_it_was() {
        let mut partial = Vec::new();
        let mut terminal = Terminal::new();
        terminal.feed(b"Press a\x08 \x08\x08 \x08now", &mut |_, shown| {
            if let Shown::Partial(text) = shown {
                partial.push(text.to_owned());
            }
        });
        assert_eq!(partial, ["Press a", "Press", "Press", "Pressnow"]);
    }

    #[test]
    fn progress_is_overwritten() {
        let sent = b"blobs/aa... 42%\x08\x08\x08\x08    \x08\x08\x08\x08 84%\x08\x08\x08\x08    \
                     \x08\x08\x08\x08 ok\r\nnext\r\n";
        assert_eq!(lines(sent, false), ["blobs/aa... ok", "next"]);
    }

    #[test]
    fn lines_that_seabios_wrapped_are_joined() {
        let full = "x".repeat(80);
        let sent = format!("{full}\r\n{full}\r\ny... ok\r\nz\r\n");
        assert_eq!(lines(sent.as_bytes(), true), [format!("{full}{full}y... ok"), "z".to_owned()]);
        assert_eq!(lines(sent.as_bytes(), false)[..2], [full.clone(), full.clone()]);
        // A line that ends at the edge is followed by an empty one.
        let sent = format!("{full}\r\n\r\nz\r\n");
        assert_eq!(lines(sent.as_bytes(), true), [full, "z".to_owned()]);
    }

    #[test]
    fn progress_in_the_wrapped_part_stays_there() {
        let full = "x".repeat(80);
        let sent = format!("{full}\r\n.. 42%\x08\x08\x08\x08    \x08\x08\x08\x08 ok\r\n");
        assert_eq!(lines(sent.as_bytes(), true), [format!("{full}.. ok")]);
    }

    #[test]
    fn escape_sequences_vanish_and_screens_end_lines() {
        let seabios = b"\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS\r\n";
        assert_eq!(lines(seabios, true), ["SeaBIOS"]);
        assert_eq!(
            lines(b"o\x1bc\x1b[?7l\x1b[2J[    0.0] Linux\r\n", true),
            ["o", "[    0.0] Linux"]
        );
        let menu = b"\x1b[04;01H\x1b[1m\x1b[37m\x1b[40mone\x1b[0m\x1b[05;01Htwo";
        assert_eq!(lines(menu, false), ["one", "two"]);
        assert_eq!(lines(b"a\x1b]0;title\x07b\x1b(Bc\x1bP1\x1b\\d", false), ["abcd"]);
        assert_eq!(lines(b"abc\r\x1b[Kd\n", false), ["d"]);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        assert_eq!(lines("grün\n".as_bytes(), false), ["grün"]);
        assert_eq!(lines("a\u{9b}2J\u{202e}b\u{2028}c".as_bytes(), false), ["a2Jbc"]);
        assert_eq!(lines(b"a\xffb\xc3c\0\n", false), ["a\u{fffd}b\u{fffd}c"]);
        assert_eq!(
            lines(&vec![b'x'; 40_000], false).iter().map(String::len).max(),
            Some(LINE_LIMIT)
        );
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_are_cut(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            cut in 0_usize..400,
            join: bool,
        ) {
            let whole = lines(&bytes, join);
            let mut terminal = Terminal::new();
            terminal.join_wrapped_lines(join);
            let mut parts = Vec::new();
            let mut show = |_: &mut Terminal, shown: Shown<'_>| {
                if let Shown::Finished(line) = shown {
                    parts.push(line.to_owned());
                }
            };
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            terminal.feed(head, &mut show);
            terminal.feed(tail, &mut show);
            terminal.finish(&mut show);
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn lines_hold_no_control_characters(bytes: Vec<u8>) {
            for line in lines(&bytes, true) {
                prop_assert!(line.chars().all(|c| c == '\t' || is_printable(c)), "{:?}", line);
            }
        }
    }
}
