use std::fmt;

use netboot_core::{ReleasePath, Sha256Digest, layout};
use url::Url;

use crate::{Error, ScriptUrl};

/// Where the root of a target is served, for the URLs of kernels and initrds.
///
/// ```
/// use netboot_ipxe::interchange::PayloadBase;
///
/// let base = PayloadBase::url(&"http://boot.example.org/nixos/".parse()?)?;
/// assert_eq!(base.to_string(), "http://boot.example.org/nixos");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadBase(String);

impl PayloadBase {
    /// At this URL.
    ///
    /// # Errors
    /// [`Error::Unprintable`] for one that iPXE would ask for otherwise.
    pub fn url(url: &Url) -> Result<Self, Error> {
        let url = ScriptUrl::absolute(url)?;
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// By matchbox itself, as its assets: it is started with `-assets-path` and the target's
    /// directory (matchbox's documentation, "Assets").
    pub fn matchbox_assets() -> Self {
        Self("/assets".to_owned())
    }

    /// Beside the answers that Pixiecore is given: its API's URL is that of the target's root
    /// (`makeURLAbsolute` in Pixiecore's `booters.go`).
    pub fn beside_answers() -> Self {
        Self(String::new())
    }

    /// The URL of a blob.
    pub(super) fn blob(&self, digest: &Sha256Digest) -> String {
        let path: ReleasePath = layout::blob(digest);
        if self.0.is_empty() { path.to_string() } else { format!("{}/{path}", self.0) }
    }
}

impl fmt::Display for PayloadBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
