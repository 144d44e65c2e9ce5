//! Text from outside that is safe in a line of the console.

use std::fmt::{self, Write};

use crate::console::template::Field;

/// Text from outside, such as the message of an operating system or a server.
///
/// It has printable ASCII characters only. It has no `"`, `#` and `|`, which structure the lines of
/// the console. So it cannot end a line, and it cannot look like one.
///
/// ```
/// use netboot_closure::console::ConsoleText;
///
/// let text = ConsoleText::new("no\u{1b}[2J\r\nnetboot | \"done\"");
/// assert_eq!(text.as_str(), r"no\u{1b}[2J  netboot \u{7c} 'done'");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsoleText(String);

impl ConsoleText {
    /// The greatest length in bytes.
    pub const LIMIT: usize = 200;

    /// Makes a text safe. Quotation marks become `'`, line ends become spaces, and all other
    /// characters that may not stand here become escapes such as `\u{1b}`. A text that is too long
    /// is cut, and ends with `...`.
    pub fn new(text: impl AsRef<str>) -> Self {
        const CUT: &str = "...";
        let mut safe = String::new();
        let mut whole_end = 0;
        for character in text.as_ref().chars() {
            match character {
                '"' => safe.push('\''),
                '\n' | '\r' | '\t' => safe.push(' '),
                ' '..='~' if !matches!(character, '#' | '|') => safe.push(character),
                _ => {
                    // Writing to a string does not fail.
                    let _ = write!(safe, "{}", character.escape_unicode());
                }
            }
            if safe.len() > Self::LIMIT {
                safe.truncate(whole_end);
                safe.push_str(CUT);
                break;
            }
            if safe.len() + CUT.len() <= Self::LIMIT {
                whole_end = safe.len();
            }
        }
        Self(safe)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsoleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// It stands in quotation marks.
impl Field for ConsoleText {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('"')?.strip_suffix('"')?;
        Some(Self::new(text)).filter(|safe| safe.0 == text)
    }
}
