//! The place where another server finds the payloads.

use std::fmt;

use netboot_closure::boot_parameter::BootParameter;
use netboot_core::{ReleasePath, Sha256Digest, layout};
use url::Url;

use crate::closure_arguments;
use crate::error::Error;
use crate::interchange::problem::InterchangeProblem;
use crate::interchange::server::MATCHBOX;
use crate::interchange::server::PIXIECORE;
use crate::script_argument::ScriptArgument;
use crate::script_url::ScriptUrl;

/// The place that serves the root of a target, for the URLs of kernels and initrds.
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
    /// At the URL of a directory. Its query is dropped.
    ///
    /// # Errors
    /// [`Error::Unprintable`] for a URL that iPXE would change.
    pub fn url(url: &Url) -> Result<Self, Error> {
        let mut url = url.clone();
        url.set_query(None);
        let url = ScriptUrl::absolute(&url)?;
        Ok(Self(Place::Url(url.as_str().trim_end_matches('/').to_owned())))
    }

    /// Served by matchbox itself as its assets: start it with `-assets-path` and the directory of
    /// the target (matchbox's documentation, "Assets").
    pub fn matchbox_assets() -> Self {
        Self(Place::MatchboxAssets)
    }

    /// In the same place as Pixiecore's answers: the URL of its API is the root of the target
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

    /// The parameter that names the place as a source of closures. `None` if machines cannot fetch
    /// closures from it, because it has no absolute URL or no plain HTTP.
    pub(super) fn closure_source(&self) -> Option<ScriptArgument> {
        let Place::Url(url) = &self.0 else { return None };
        let url = closure_arguments::source(&Url::parse(url).ok()?).ok()?;
        Some(ScriptArgument::boot_parameter(&BootParameter::From(url)))
    }

    /// Refuses matchbox's own place for Pixiecore, Pixiecore's for matchbox, and URLs that are
    /// neither `http` nor `https`: only machines would notice that nothing can be fetched.
    pub(super) fn check(&self, server: &'static str) -> Result<(), Error> {
        let owner = match self.0 {
            Place::Url(_) => server,
            Place::MatchboxAssets => MATCHBOX,
            Place::BesideAnswers => PIXIECORE,
        };
        let scheme = match &self.0 {
            Place::Url(url) => url.split(':').next().unwrap_or_default(),
            Place::MatchboxAssets | Place::BesideAnswers => "http",
        };
        let problem = if owner != server {
            InterchangeProblem::PayloadsOf { owner }
        } else if !["http", "https"].contains(&scheme) {
            InterchangeProblem::Scheme { scheme: scheme.to_owned() }
        } else {
            return Ok(());
        };
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
