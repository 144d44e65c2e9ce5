//! The last lines of a program's output, for an error message.

use std::collections::VecDeque;
use std::fmt;

use foreign_text::ForeignText;

/// The last lines of a text, printable and bounded.
///
/// Holds at most [`COUNT`](Self::COUNT) lines, each a [`ForeignText`] of one line. Empty lines are
/// left out. `Display` separates the lines as [`ForeignText`] does.
///
/// ```
/// use netboot_process::LastLines;
///
/// let mut lines = LastLines::default();
/// lines.push("\u{1b}[31merror:\u{1b}[0m no space left");
/// lines.push("");
/// assert_eq!(lines.to_vec(), ["error: no space left"]);
///
/// let many: LastLines = (1..=50).map(|number| number.to_string()).collect();
/// assert_eq!(many.iter().next(), Some("31"));
/// assert_eq!(many.len(), LastLines::COUNT);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastLines(VecDeque<ForeignText>);

impl LastLines {
    /// The number of lines that are kept.
    pub const COUNT: usize = 20;

    /// The last lines of `text`.
    pub fn of(text: &str) -> Self {
        text.lines().collect()
    }

    /// Adds a line and drops the first line if there are too many.
    pub fn push(&mut self, line: &str) {
        for line in ForeignText::new(line).lines().filter(|line| !line.trim().is_empty()) {
            if self.0.len() == Self::COUNT {
                self.0.pop_front();
            }
            self.0.push_back(line.into());
        }
    }

    /// The lines, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(ForeignText::as_str)
    }

    /// The lines as a vector, oldest first.
    pub fn to_vec(&self) -> Vec<ForeignText> {
        self.0.iter().cloned().collect()
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there are no lines.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<L: AsRef<str>> Extend<L> for LastLines {
    fn extend<T: IntoIterator<Item = L>>(&mut self, lines: T) {
        lines.into_iter().for_each(|line| self.push(line.as_ref()));
    }
}

impl<L: AsRef<str>> FromIterator<L> for LastLines {
    fn from_iter<T: IntoIterator<Item = L>>(lines: T) -> Self {
        let mut last = Self::default();
        last.extend(lines);
        last
    }
}

impl From<LastLines> for Vec<ForeignText> {
    fn from(lines: LastLines) -> Self {
        lines.0.into()
    }
}

impl fmt::Display for LastLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ForeignText::LINE_BREAK };
            write!(f, "{separator}{line}")?;
        }
        Ok(())
    }
}
