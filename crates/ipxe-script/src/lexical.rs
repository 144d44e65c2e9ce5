//! What iPXE's lexer would make of a text: the rules that every value in a script has to pass.
//!
//! iPXE has no quoting and no escaping. It splits lines at LF, joins a line that ends in `\` with
//! the next, splits words at white space, treats a word that begins with `#` as the start of a
//! comment and `&&`, `||` and `;` as separators where they are whole words, and expands `${…}`
//! until none is left (`src/core/exec.c`, `src/core/settings.c` and `src/image/script.c` of iPXE).

use std::fmt;

/// Why a text cannot stand in a script as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LexicalProblem {
    /// There is no text; iPXE would fetch the script itself in place of an empty URL.
    Empty,
    /// A character that ends a line, drives the terminal, or is not ASCII.
    Character {
        /// The character.
        character: char,
    },
    /// iPXE would expand this.
    Expansion,
    /// iPXE would take this word and the rest of the line for a comment.
    Comment {
        /// The word.
        word: String,
    },
    /// iPXE would begin another command here.
    Separator {
        /// The word.
        word: String,
    },
    /// iPXE would join the line with the next.
    Continuation,
    /// iPXE would take the text for an option.
    Option,
    /// iPXE would drop the space.
    LostSpace,
    /// iPXE would ask the server for something else in the place of this percent-escape.
    Escape {
        /// The escape, such as `%2F`.
        escape: String,
    },
}

impl fmt::Display for LexicalProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Character { character } => {
                write!(f, "iPXE cannot show the character {character:?} faithfully")
            }
            Self::Expansion => f.write_str("iPXE would expand its `${`"),
            Self::Comment { word } => write!(f, "iPXE would begin a comment at `{word}`"),
            Self::Separator { word } => write!(f, "iPXE would begin a new command at `{word}`"),
            Self::Continuation => f.write_str("iPXE would join its line with the next at its `\\`"),
            Self::Option => f.write_str("iPXE would take it for an option"),
            Self::Escape { escape } => {
                write!(f, "iPXE builds of 2019 would not send its `{escape}` as it is")
            }
            Self::LostSpace => {
                f.write_str("iPXE would drop a space at its begin, at its end, or beside another")
            }
        }
    }
}

/// Refuses a text that iPXE would not read as those words, joined by single spaces.
///
/// # Errors
/// The first [`LexicalProblem`] of the text.
pub fn check(text: &str) -> Result<(), LexicalProblem> {
    if text.is_empty() {
        return Err(LexicalProblem::Empty);
    }
    if let Some(character) = text.chars().find(|c| !(c.is_ascii_graphic() || *c == ' ')) {
        return Err(LexicalProblem::Character { character });
    }
    if text.contains("${") {
        return Err(LexicalProblem::Expansion);
    }
    if text.ends_with('\\') {
        return Err(LexicalProblem::Continuation);
    }
    for word in text.split(' ') {
        match word {
            "" => return Err(LexicalProblem::LostSpace),
            "&&" | "||" | ";" => return Err(LexicalProblem::Separator { word: word.to_owned() }),
            _ if word.starts_with('#') => {
                return Err(LexicalProblem::Comment { word: word.to_owned() });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Finds the first percent-escape of a URL that builds of 2019 do not send as it is written.
///
/// iPXE decodes each part of a URL and encodes it again for its request (`src/core/uri.c`), and
/// builds of 2019 lose by that: beyond ASCII they send something else even for an escape (`%C3`
/// becomes `%FFFFFFC3`), and `%2F` in the path, `%26` in the query, and `%2B` and `%00` anywhere
/// arrive as other characters.
///
/// ```
/// use ipxe_script::lexical::lost_escape;
///
/// assert_eq!(lost_escape("http://boot/a%20b?c=%2F"), None);
/// assert_eq!(lost_escape("http://boot/a%2Fb"), Some("%2F"));
/// ```
pub fn lost_escape(url: &str) -> Option<&str> {
    let query = url.find('?').unwrap_or(url.len());
    let escapes = url.match_indices('%');
    let mut escapes = escapes.filter_map(|(start, _)| Some((start, url.get(start..start + 3)?)));
    let found = escapes
        .find(|(start, escape)| is_percent_escape(escape) && is_lost(escape, *start > query));
    found.map(|(_, escape)| escape)
}

/// Returns true if the text is a percent sign and two hexadecimal digits.
pub fn is_percent_escape(text: &str) -> bool {
    matches!(text.as_bytes(), [b'%', high, low]
        if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// Returns true if a build of 2019 asks a server for something else in place of this escape.
fn is_lost(escape: &str, in_query: bool) -> bool {
    let is = |other: &str| escape.eq_ignore_ascii_case(other);
    let beyond_ascii = escape.as_bytes().get(1).is_some_and(|high| !(b'0'..=b'7').contains(high));
    beyond_ascii || is("%00") || is("%2B") || is(if in_query { "%26" } else { "%2F" })
}
