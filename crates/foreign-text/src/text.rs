//! The type of text from outside.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};

use crate::clean::printable;

/// Text from outside that is safe to show.
///
/// - It has no control characters, escape sequences, or characters that are invisible or change the
///   direction of others. Only line feeds remain.
/// - It is at most [`LIMIT`](Self::LIMIT) bytes long. A [`CutMark`](crate::CutMark) at its end
///   tells how much was cut off.
/// - `Display` begins every line but the first with `  | `, so that no line of it looks like a line
///   of the program that shows it.
///
/// It dereferences to the text without the marks of lines, and is serialised as that text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ForeignText(String);

impl ForeignText {
    /// The maximum length in bytes, with the mark.
    pub const LIMIT: usize = 16 * 1024;

    /// The separator between two lines in `Display`: a line feed and a margin.
    pub const LINE_BREAK: &'static str = "\n  | ";

    /// Makes a text of one or several lines.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(printable(text.as_ref(), "\n", Self::LIMIT))
    }

    /// Makes a text of one line: the lines of `text` with a space between them.
    ///
    /// ```
    /// use foreign_text::ForeignText;
    ///
    /// assert_eq!(ForeignText::line("no\nerror: yes\n").as_str(), "no error: yes");
    /// ```
    pub fn line(text: impl AsRef<str>) -> Self {
        Self(printable(text.as_ref(), " ", Self::LIMIT))
    }

    /// Makes a string of one or several lines, with margins as in `Display`. Text that has them
    /// already does not get them again.
    pub fn shown(text: impl AsRef<str>) -> String {
        printable(text.as_ref(), Self::LINE_BREAK, Self::LIMIT)
    }

    /// Makes a long text safe to show, such as a whole console. It has at most `limit` bytes, and
    /// no marks of lines: do not put it into a message.
    pub fn document(text: impl AsRef<str>, limit: usize) -> String {
        printable(text.as_ref(), "\n", limit)
    }

    /// Makes a text of bytes. Bytes that are not UTF-8 become U+FFFD.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::new(String::from_utf8_lossy(bytes))
    }

    /// The text. Its lines have no marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text as a string.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for ForeignText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.split('\n').enumerate() {
            let separator = if index == 0 { "" } else { Self::LINE_BREAK };
            write!(f, "{separator}{line}")?;
        }
        Ok(())
    }
}

impl Deref for ForeignText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Makes `join` of several texts possible.
impl Borrow<str> for ForeignText {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ForeignText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ForeignText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for ForeignText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<ForeignText> for String {
    fn from(text: ForeignText) -> Self {
        text.0
    }
}

impl PartialEq<str> for ForeignText {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<String> for ForeignText {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl PartialEq<&str> for ForeignText {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl<'de> Deserialize<'de> for ForeignText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
