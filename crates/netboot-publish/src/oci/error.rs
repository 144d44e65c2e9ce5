//! Makes the errors of requests to a registry.

use url::Url;

use super::answer::Answered;
use super::failure::OciFailure;
use super::request_error::OciError;
use crate::error::Error;

impl Error {
    /// The error of a request to `url`.
    pub(super) fn oci(
        action: &'static str,
        url: &Url,
        failure: OciFailure,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let (url, source) = (shown(url), source.into());
        Self::Oci(Box::new(OciError { action, url, failure, source }))
    }
}

/// The error of an answer.
pub(super) fn answered(action: &'static str, url: &Url, answer: Answered) -> Error {
    Error::oci(action, url, OciFailure::of_answer(&answer), answer)
}

/// The error of a request that got no answer.
pub(super) fn transport(action: &'static str, url: &Url, error: reqwest::Error) -> Error {
    let failure = OciFailure::of_transport(&error);
    Error::oci(action, url, failure, error.without_url())
}

/// A URL without its query: the URLs of uploads have secrets there.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}
