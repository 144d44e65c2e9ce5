//! Splits the bytes of a pipe into lines of bounded length.

use std::io;

use foreign_text::{CutMark, ForeignText};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line that is kept unless a caller asks for more, in bytes. With the mark of a cut it
/// is still as long as a [`ForeignText`] may be.
pub(crate) const LINE_LIMIT: usize = ForeignText::LIMIT - CutMark::LONGEST;

/// A function that takes a line without its end.
pub(crate) type OnLine<'a> = Box<dyn FnMut(&str) + Send + 'a>;

/// Reads `pipe` to its end and gives each line to `on_line`.
///
/// A newline, a carriage return, both, or the end of the pipe ends a line. The rest of a line that
/// is longer than `limit` bytes is dropped, and a [`CutMark`] takes its place. Bytes that are not
/// UTF-8 become U+FFFD.
pub(crate) async fn read_lines(
    mut pipe: impl AsyncRead + Unpin,
    limit: usize,
    mut on_line: impl FnMut(&str) + Send,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let mut splitter = LineSplitter { limit, line: Vec::new(), dropped: 0, after_return: false };
    loop {
        let length = pipe.read(&mut buffer).await?;
        if length == 0 {
            splitter.finish(&mut on_line);
            return Ok(());
        }
        splitter.feed(&buffer[..length], &mut on_line);
    }
}

struct LineSplitter {
    limit: usize,
    line: Vec<u8>,
    /// The number of bytes of the line that did not fit.
    dropped: usize,
    /// The last byte was a carriage return, so a newline now belongs to it.
    after_return: bool,
}

impl LineSplitter {
    fn feed(&mut self, bytes: &[u8], on_line: &mut impl FnMut(&str)) {
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match part.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (part, None),
            };
            let belongs_to_return = std::mem::take(&mut self.after_return) && text.is_empty();
            if belongs_to_return && end == Some(b'\n') {
                continue;
            }
            let (kept, rest) = text.split_at(text.len().min(self.limit - self.line.len()));
            self.line.extend_from_slice(kept);
            self.dropped += rest.len();
            if let Some(end) = end {
                self.after_return = end == b'\r';
                self.end_line(on_line);
            }
        }
    }

    fn finish(&mut self, on_line: &mut impl FnMut(&str)) {
        if !self.line.is_empty() {
            self.end_line(on_line);
        }
    }

    fn end_line(&mut self, on_line: &mut impl FnMut(&str)) {
        let dropped = u64::try_from(std::mem::take(&mut self.dropped)).unwrap_or(u64::MAX);
        if dropped > 0 {
            self.line.extend_from_slice(CutMark(dropped).to_string().as_bytes());
        }
        on_line(&String::from_utf8_lossy(&self.line));
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(parts: &[&[u8]], limit: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut take = |line: &str| found.push(line.to_owned());
        let mut splitter =
            LineSplitter { limit, line: Vec::new(), dropped: 0, after_return: false };
        for part in parts {
            splitter.feed(part, &mut take);
        }
        splitter.finish(&mut take);
        found
    }

    #[test]
    fn every_end_of_a_line_is_known() {
        assert_eq!(lines(&[b"a\nb\r\nc\rd\n\ne"], 9), ["a", "b", "c", "d", "", "e"]);
        assert_eq!(lines(&[b"a\r", b"\nb", b"c\r", b"d"], 9), ["a", "bc", "d"]);
        assert_eq!(lines(&[b"", b"\n"], 9), [""]);
        assert!(lines(&[], 9).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        assert_eq!(lines(&[b"abc", b"def\ngh\n"], 4), ["abcd … (2 more bytes)", "gh"]);
        assert_eq!(lines(&[b"\xff\n"], 4), ["\u{fffd}"]);
    }
}
