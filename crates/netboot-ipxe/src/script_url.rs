//! URLs in a script.

use std::fmt;

use ipxe_script::lexical::{LexicalProblem, is_percent_escape, lost_escape};
use netboot_core::{FileName, ReleasePath};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;

use crate::error::{Error, ValueKind};

/// What stands in a URL as it is, besides the escapes that [`Url`] has made already: everything
/// else is percent-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'?')
    .remove(b'&')
    .remove(b'=')
    .remove(b'@')
    .remove(b'+')
    .remove(b',')
    .remove(b'[')
    .remove(b']');

/// A URL in a script: one word, with no `#`, no `$`, nothing that needs quoting.
///
/// Relative ones resolve against the URL of the script that they stand in, in every version of
/// iPXE, so a release need not know where it is served.
///
/// ```
/// use netboot_core::ReleasePath;
/// use netboot_ipxe::ScriptUrl;
///
/// let from = ReleasePath::new("worker/netboot.ipxe")?;
/// let to = ReleasePath::new("current.ipxe")?;
/// assert_eq!(ScriptUrl::relative(&from, &to).as_str(), "../current.ipxe");
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ScriptUrl(String);

impl ScriptUrl {
    /// The way from the script at `from` to the object at `to`, both below one root.
    pub fn relative(from: &ReleasePath, to: &ReleasePath) -> Self {
        let from: Vec<&str> = from.as_str().split('/').collect();
        let to: Vec<&str> = to.as_str().split('/').collect();
        let directories = from.len() - 1;
        let limit = directories.min(to.len() - 1);
        let shared = (0..limit).take_while(|index| from[*index] == to[*index]).count();
        let up = std::iter::repeat_n("..", directories - shared);
        Self(up.chain(to[shared..].iter().copied()).collect::<Vec<_>>().join("/"))
    }

    /// The object at `to`, from a script that lies `directories` below the same root.
    pub(crate) fn from_below(directories: usize, to: &ReleasePath) -> Self {
        Self(format!("{}{to}", "../".repeat(directories)))
    }

    /// A file beside the script.
    pub fn neighbour(name: &FileName) -> Self {
        Self(name.as_str().to_owned())
    }

    /// An absolute URL; its fragment, which no server gets to see, is dropped.
    ///
    /// A URL is refused if it has a percent-escape that builds of 2019
    /// [do not send](ipxe_script::lexical::lost_escape), such as `%2F` in the path or any escape of
    /// a character that is not ASCII.
    ///
    /// # Errors
    /// [`Error::Unprintable`] for such a URL.
    pub fn absolute(url: &Url) -> Result<Self, Error> {
        let mut url = url.clone();
        url.set_fragment(None);
        if let Some(escape) = lost_escape(url.as_str()) {
            let problem = LexicalProblem::Escape { escape: escape.to_owned() };
            return Err(Error::unprintable(ValueKind::Url, &without_password(&url), problem));
        }
        let mut text = String::new();
        let mut rest = url.as_str();
        while let Some(character) = rest.chars().next() {
            let escape = rest.get(..3).filter(|escape| is_percent_escape(escape));
            let length = escape.map_or(character.len_utf8(), str::len);
            let (part, behind) = rest.split_at(length);
            match escape {
                Some(escape) => text.push_str(escape),
                None => text.extend(utf8_percent_encode(part, ENCODED)),
            }
            rest = behind;
        }
        Ok(Self(text))
    }

    /// The object at `path` below this URL, which names a directory.
    pub(crate) fn below(&self, path: &ReleasePath) -> Self {
        Self(format!("{}/{path}", self.0.trim_end_matches('/')))
    }

    /// This URL with the file's name followed by `.sig`.
    pub(crate) fn signature(&self) -> Self {
        Self(format!("{}.sig", self.0))
    }

    /// This URL, ready for parameters to be written behind it.
    pub(crate) fn with_more_parameters(&self) -> Self {
        let separator = match self.0.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        Self(format!("{}{separator}", self.0))
    }

    /// The URL as it stands in a script.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URL without its password, for an error.
pub(crate) fn without_password(url: &Url) -> String {
    if url.cannot_be_a_base() {
        // Such as `name:password@host`, whose scheme was forgotten: `name` is read as one.
        return url.as_str().rsplit('@').next().unwrap_or_default().to_owned();
    }
    let mut url = url.clone();
    // Only a URL without a host refuses, which has no password.
    let _ = url.set_password(None);
    url.into()
}

impl TryFrom<&Url> for ScriptUrl {
    type Error = Error;
    fn try_from(url: &Url) -> Result<Self, Error> {
        Self::absolute(url)
    }
}

impl fmt::Display for ScriptUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
