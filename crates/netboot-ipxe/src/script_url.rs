use std::fmt;

use netboot_core::{FileName, ReleasePath};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;

/// What stands in a URL as it is: everything else is percent-encoded. An existing `%` stays, since
/// [`Url`] has encoded already.
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
    .remove(b']')
    .remove(b'%');

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
    pub fn absolute(url: &Url) -> Self {
        let mut url = url.clone();
        url.set_fragment(None);
        Self(utf8_percent_encode(url.as_str(), ENCODED).to_string())
    }

    /// The URL as it stands in a script.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScriptUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
