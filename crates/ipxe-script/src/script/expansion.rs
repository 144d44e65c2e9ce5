//! The expansions `${…}` of a word (`expand_settings` in iPXE's `src/core/settings.c`).

use std::borrow::Cow;

/// A piece of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part<'a> {
    /// Text that stays as it is, including a `${` without a closing `}`.
    Literal(&'a [u8]),
    /// The value of a setting.
    Expansion(Expansion<'a>),
}

/// An expansion `${…}`. The name between the braces may contain other expansions; iPXE expands
/// those first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expansion<'a> {
    /// The offset of the `$`, in bytes from the start of the word.
    pub offset: usize,
    /// The text between the braces.
    pub name: &'a [u8],
}

impl<'a> Expansion<'a> {
    /// The offset after the `}`, in bytes from the start of the word.
    pub fn end(&self) -> usize {
        self.offset + "${".len() + self.name.len() + "}".len()
    }

    /// The literal text and the expansions in its name.
    pub fn parts(&self) -> Vec<Part<'a>> {
        parts(self.name)
    }

    /// The setting that it names. `None` if the name contains another expansion.
    pub fn setting(&self) -> Option<SettingReference> {
        all(self.name).is_empty().then(|| SettingReference::parse(self.name))
    }
}

/// The name of a setting as scripts write it: `scope/name:type`. Scope and type are optional
/// (`parse_setting_name` in iPXE's `src/core/settings.c`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct SettingReference {
    /// The block of settings, such as `net0` or `net0.dhcp`: the text before the first `/`.
    pub scope: Option<Box<[u8]>>,
    /// The name, such as `mac`.
    pub name: Box<[u8]>,
    /// The name of the type, such as `hexhyp`: the text after the first `:` that follows the scope.
    pub setting_type: Option<Box<[u8]>>,
}

impl SettingReference {
    /// Splits a name. Every text is a name, even an empty one.
    pub fn parse(text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        let (scope, rest) = match split_at_byte(text, b'/') {
            Some((scope, rest)) => (Some(scope.into()), rest),
            None => (None, text),
        };
        let (name, setting_type) = match split_at_byte(rest, b':') {
            Some((name, setting_type)) => (name, Some(setting_type.into())),
            None => (rest, None),
        };
        Self { scope, name: name.into(), setting_type }
    }

    /// The name without scope and type, as text. Bytes that are not UTF-8 become U+FFFD.
    pub fn name_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }
}

fn split_at_byte(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|byte| *byte == separator)?;
    Some((text.get(..position)?, text.get(position + 1..)?))
}

/// All expansions of a word, in the order in which iPXE expands them. iPXE takes the text between
/// the first `}` and the last `${` before it, and then starts again. So a `}` closes the last open
/// `${`, and a `${` that stays open is text.
pub(crate) fn all(word: &[u8]) -> Vec<Expansion<'_>> {
    let mut open: Vec<usize> = Vec::new();
    let mut all = Vec::new();
    for (offset, byte) in word.iter().enumerate() {
        if *byte == b'$' && word.get(offset + 1) == Some(&b'{') {
            open.push(offset);
        } else if *byte == b'}'
            && let Some(start) = open.pop()
        {
            let name = word.get(start + 2..offset).unwrap_or_default();
            all.push(Expansion { offset: start, name });
        }
    }
    all
}

/// The literal text and the outermost expansions of a word.
pub(crate) fn parts(word: &[u8]) -> Vec<Part<'_>> {
    let mut outermost: Vec<Expansion<'_>> = Vec::new();
    for expansion in all(word) {
        // The list has inner expansions before outer ones.
        while outermost.last().is_some_and(|inner| inner.offset > expansion.offset) {
            outermost.pop();
        }
        outermost.push(expansion);
    }
    let mut parts = Vec::new();
    let mut end = 0;
    let literal = |start, end| word.get(start..end).filter(|text: &&[u8]| !text.is_empty());
    for expansion in outermost {
        parts.extend(literal(end, expansion.offset).map(Part::Literal));
        end = expansion.end();
        parts.push(Part::Expansion(expansion));
    }
    parts.extend(literal(end, word.len()).map(Part::Literal));
    parts
}
