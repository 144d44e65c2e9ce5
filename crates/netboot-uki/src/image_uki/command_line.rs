//! The command line in the UKI of an image.

use netboot_closure::Sha256;
use netboot_closure::boot_parameter::{BootParameter, CallerParameters, HttpUrl};
use netboot_core::{Image, KernelCommandLine, KernelParameter};

use crate::error::Error;

/// Returns the command line: `init=`, the parameters of the image and, for an image with a closure,
/// the sources and the digest of the index.
///
/// The digest is last, because the last one of equal parameters counts. Nobody names the network
/// card: firmware does not tell it to a UKI. Stage 1 then asks for an address on every card.
pub(super) fn command_line(image: &Image, sources: &[HttpUrl]) -> Result<KernelCommandLine, Error> {
    let boot = image.boot();
    let Some(closure) = image.closure() else { return Ok(boot.command_line()?) };
    let callers = boot.kernel_parameters();
    let found = CallerParameters::check(callers.iter().map(KernelParameter::as_str))
        .map_err(|source| Error::BootParameter { profile: image.profile().clone(), source })?;
    if sources.is_empty() && !found.has_source {
        return Err(Error::NoClosureSource { profile: image.profile().clone() });
    }
    let from = sources.iter().map(|url| BootParameter::From(url.clone()));
    let index = BootParameter::Index(Sha256::from_bytes(*closure.index.sha256().as_bytes()));
    let added = from.chain([index]).map(|parameter| KernelParameter::new(parameter.to_string()));
    let added = added.collect::<Result<Vec<_>, _>>().map_err(netboot_core::Error::from)?;
    let line = KernelCommandLine::new(boot.init(), callers.iter().chain(&added));
    Ok(line.map_err(netboot_core::Error::from)?)
}

/// Returns true if `line` is a command line that [`command_line`] makes for the image, with some
/// sources.
pub(super) fn is_command_line(image: &Image, line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let mut sources = Vec::new();
    if image.closure().is_some()
        && let Ok(plain) = image.boot().command_line()
        && let Some(added) = line.strip_prefix(&plain.to_string())
    {
        for word in added.split(' ') {
            if let Ok(BootParameter::From(url)) = word.parse() {
                sources.push(url);
            }
        }
    }
    command_line(image, &sources).is_ok_and(|expected| expected.to_string() == line)
}
