//! The place where another server finds the payloads.

use std::fmt;

use netboot_core::{ReleasePath, Sha256Digest, layout};
use url::Url;

use crate::error::Error;
use crate::interchange::problem::InterchangeProblem;
use crate::interchange::server::MATCHBOX;
use crate::interchange::server::PIXIECORE;
use crate::script_url::ScriptUrl;

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
pub struct PayloadBase(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Url(String),
    MatchboxAssets,
    BesideAnswers,
}

impl PayloadBase {
    /// At this URL, a directory's: its query is dropped.
    ///
    /// # Errors
    /// [`Error::Unprintable`] for one that iPXE would ask for otherwise.
    pub fn url(url: &Url) -> Result<Self, Error> {
        let mut url = url.clone();
        url.set_query(None);
        let url = ScriptUrl::absolute(&url)?;
        Ok(Self(Place::Url(url.as_str().trim_end_matches('/').to_owned())))
    }

    /// By matchbox itself, as its assets: it is started with `-assets-path` and the target's
    /// directory (matchbox's documentation, "Assets").
    pub fn matchbox_assets() -> Self {
        Self(Place::MatchboxAssets)
    }

    /// Beside the answers that Pixiecore is given: its API's URL is that of the target's root
    /// (`makeURLAbsolute` in Pixiecore's `booters.go`).
    pub fn beside_answers() -> Self {
        Self(Place::BesideAnswers)
    }

    /// The URL of a blob.
    pub(super) fn blob(&self, digest: &Sha256Digest) -> String {
        let path: ReleasePath = layout::blob(digest);
        match &self.0 {
            Place::BesideAnswers => path.to_string(),
            _ => format!("{self}/{path}"),
        }
    }

    /// Refuses matchbox's own place for Pixiecore, and the other way round: the URLs would lead
    /// nowhere, which only machines would notice.
    pub(super) fn check(&self, server: &'static str) -> Result<(), Error> {
        let owner = match self.0 {
            Place::Url(_) => server,
            Place::MatchboxAssets => MATCHBOX,
            Place::BesideAnswers => PIXIECORE,
        };
        if owner == server {
            return Ok(());
        }
        let problem = InterchangeProblem::PayloadsOf { owner };
        Err(Error::NotInterchangeable { server, subject: "the payloads".to_owned(), problem })
    }
}

impl fmt::Display for PayloadBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match &self.0 {
            Place::Url(url) => url,
            Place::MatchboxAssets => "/assets",
            Place::BesideAnswers => "",
        })
    }
}
