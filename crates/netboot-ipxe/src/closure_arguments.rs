//! The kernel parameters by which a machine finds the closure of its image.

use netboot_closure::Sha256;
use netboot_closure::boot_parameter::{BootParameter, CallerParameters, FROM, HttpUrl};
use netboot_core::Sha256Digest;
use url::Url;

use crate::error::Error;
use crate::script_argument::ScriptArgument;
use crate::script_url::without_password;

/// The parameters that a closure adds to those of the caller.
///
/// If a parameter stands several times, the last one counts. So the digest of the index is last,
/// and the network card is first.
#[derive(Debug)]
pub(crate) struct ClosureArguments {
    /// The parameters before those of the caller.
    pub(crate) first: Vec<ScriptArgument>,
    /// The parameters after those of the caller.
    pub(crate) last: Vec<ScriptArgument>,
}

impl ClosureArguments {
    /// Makes the parameters for a closure with this index. `card` is [`BOOTIF`], unless a program
    /// adds it later. `callers` are the parameters of the caller, and `sources` have the roots of
    /// targets.
    ///
    /// # Errors
    /// The errors of [`check`].
    pub(crate) fn new<'a>(
        index: &Sha256Digest,
        card: Option<ScriptArgument>,
        sources: impl IntoIterator<Item = ScriptArgument>,
        callers: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let mut first = Vec::from_iter(card);
        if !check(callers)?.has_address {
            first.push(ScriptArgument::address_by_dhcp());
        }
        let index = BootParameter::Index(Sha256::from_bytes(*index.as_bytes()));
        let last = sources.into_iter().chain([ScriptArgument::boot_parameter(&index)]).collect();
        Ok(Self { first, last })
    }
}

/// Checks parameters of the caller, for an image with a closure.
///
/// # Errors
/// [`Error::ReservedParameter`] for the digest of the index, and [`Error::BootParameter`] for any
/// other parameter that stage 1 would refuse.
pub(crate) fn check<'a>(
    parameters: impl IntoIterator<Item = &'a str>,
) -> Result<CallerParameters, Error> {
    CallerParameters::check(parameters).map_err(|error| match error {
        netboot_closure::Error::ReservedParameter { parameter } => {
            Error::ReservedParameter { parameter }
        }
        source => Error::BootParameter { source },
    })
}

/// Returns true if the parameter names a source.
pub(crate) fn is_source(parameter: &str) -> bool {
    parameter.replace('"', "").strip_prefix(FROM).is_some_and(|rest| rest.starts_with('='))
}

/// The root of a target, as stage 1 fetches from it.
///
/// # Errors
/// [`Error::UnusableClosureSource`].
pub(crate) fn source(url: &Url) -> Result<HttpUrl, Error> {
    let usable = url.as_str().parse().ok().filter(|_| url.query().is_none());
    usable.ok_or_else(|| Error::UnusableClosureSource { url: without_password(url) })
}
