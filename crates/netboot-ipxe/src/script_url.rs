//! URLs in scripts.

use std::fmt;

use ipxe_script::lexical::{LexicalProblem, is_percent_escape, lost_escape};
use netboot_core::{FileName, ReleasePath};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;

use crate::error::{Error, ValueKind};

/// The characters that are percent-encoded, in addition to those that [`Url`] has already encoded.
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

/// A URL in a script. It is one word without `#`, `$` or anything else that would need quoting.
///
/// Every version of iPXE resolves a relative URL against the URL of the script that contains it. So
/// a release does not need to know where it is served.
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
    /// The relative URL from the script at `from` to the object at `to`, both below the same root.
    pub fn relative(from: &ReleasePath, to: &ReleasePath) -> Self {
        let from: Vec<&str> = from.as_str().split('/').collect();
        let to: Vec<&str> = to.as_str().split('/').collect();
        let directories = from.len() - 1;
        let limit = directories.min(to.len() - 1);
        let shared = (0..limit).take_while(|index| from[*index] == to[*index]).count();
        let up = std::iter::repeat_n("..", directories - shared);
        Self(up.chain(to[shared..].iter().copied()).collect::<Vec<_>>().join("/"))
    }

    /// The relative URL of the object at `to`, from a script `directories` levels below the same
    /// root.
    pub(crate) fn from_below(directories: usize, to: &ReleasePath) -> Self {
        Self(format!("{}{to}", "../".repeat(directories)))
    }

    /// The relative URL of a file in the directory of the script.
    pub fn neighbour(name: &FileName) -> Self {
        Self(name.as_str().to_owned())
    }

    /// An absolute URL, without its fragment, which is never sent to a server.
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

    /// The URL of the object at `path` below this URL, which is a directory.
    pub(crate) fn below(&self, path: &ReleasePath) -> Self {
        Self(format!("{}/{path}", self.0.trim_end_matches('/')))
    }

    /// This URL with `.sig` added to the name of the file.
    pub(crate) fn signature(&self) -> Self {
        Self(format!("{}.sig", self.0))
    }

    /// This URL, ready for more parameters after it.
    pub(crate) fn with_more_parameters(&self) -> Self {
        let separator = match self.0.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        Self(format!("{}{separator}", self.0))
    }

    /// The URL as scripts write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URL without its password, for error messages.
pub(crate) fn without_password(url: &Url) -> String {
    if url.cannot_be_a_base() {
        // For example `name:password@host` without a scheme: `name` is read as the scheme.
        return url.as_str().rsplit('@').next().unwrap_or_default().to_owned();
    }
    let mut url = url.clone();
    // This fails only for a URL without a host, which has no password.
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
