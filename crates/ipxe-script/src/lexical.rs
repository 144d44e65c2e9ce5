//! The rules that a text keeps if iPXE reads it in a script as it was written.
//!
//! iPXE has no quoting and no escaping. It splits lines at LF, joins a line that ends in `\` with
//! the next, and splits words at white space. A word that starts with `#` starts a comment. The
//! words `&&`, `||` and `;` are separators. iPXE expands `${…}` until none is left.
//! See `src/core/exec.c`, `src/core/settings.c` and `src/image/script.c` of iPXE.

use std::fmt;

/// The reason why iPXE would not read a text in a script as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LexicalProblem {
    /// The text is empty. Instead of an empty URL, iPXE would fetch the script itself.
    Empty,
    /// A character ends a line, controls the terminal, or is not ASCII.
    Character {
        /// The character.
        character: char,
    },
    /// iPXE would expand a `${`.
    Expansion,
    /// iPXE would read this word and the rest of the line as a comment.
    Comment {
        /// The word.
        word: String,
    },
    /// iPXE would start another command at this word.
    Separator {
        /// The word.
        word: String,
    },
    /// iPXE would join the line with the next one.
    Continuation,
    /// iPXE would read the text as an option.
    Option,
    /// iPXE would drop a space.
    LostSpace,
    /// iPXE would ask the server for something else instead of this percent-escape.
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
                write!(f, "iPXE cannot show the character {character:?} as it is")
            }
            Self::Expansion => f.write_str("iPXE would expand its `${`"),
            Self::Comment { word } => write!(f, "iPXE would start a comment at `{word}`"),
            Self::Separator { word } => write!(f, "iPXE would start a new command at `{word}`"),
            Self::Continuation => {
                f.write_str("iPXE would join its line with the next one at its `\\`")
            }
            Self::Option => f.write_str("iPXE would read it as an option"),
            Self::Escape { escape } => {
                write!(f, "iPXE builds of 2019 would change its `{escape}`")
            }
            Self::LostSpace => f.write_str(
                "iPXE would drop a space at its start, at its end, or next to another space",
            ),
        }
    }
}

/// Checks that iPXE reads a text as its words, with single spaces between them.
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

/// Finds the first percent-escape of a URL that builds of 2019 change before they send it.
///
/// These builds decode each part of a URL and encode it again for the request (`src/core/uri.c`).
/// An escape of a byte that is not ASCII becomes another escape (`%C3` becomes `%FFFFFFC3`). `%2F`
/// in the path, `%26` in the query, and `%2B` and `%00` anywhere become other characters.
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
