//! The parameters of a caller on the command line of an image with a closure.

use crate::boot_parameter::parameter::{
    BOOTIF, BootParameter, CACHE, CACHE_BUDGET, FROM, INDEX, STORE,
};
use crate::error::Error;

/// Parameters that the caller may give, and that stage 1 refuses if they are malformed.
const CALLERS: [&str; 5] = [FROM, STORE, CACHE, CACHE_BUDGET, BOOTIF];

/// The facts about a caller's parameters that decide what a program adds to them, which writes the
/// command line of an image with a closure.
///
/// Such a program writes the sources ([`FROM`]) and the digest of the index ([`INDEX`]) behind the
/// caller's parameters, and everything about the network card before them: if a parameter stands
/// several times, the last one counts.
///
/// ```
/// use netboot_closure::boot_parameter::CallerParameters;
///
/// let parameters = CallerParameters::check(["quiet", "netboot.from=http://10.0.0.1/"])?;
/// assert!(parameters.has_source && !parameters.has_address);
/// assert!(CallerParameters::check(["netboot.store=floppy"]).is_err());
/// assert!(CallerParameters::check(["netboot.index=00"]).is_err());
/// # Ok::<(), netboot_closure::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerParameters {
    /// True if they name a source, so that the program need not.
    pub has_source: bool,
    /// True if they say how the machine gets its address (`ip=`).
    pub has_address: bool,
}

impl CallerParameters {
    /// Checks the parameters, and looks for those that the program need not add.
    ///
    /// # Errors
    /// [`Error::ReservedParameter`] for the digest of the index, and [`Error::BootParameter`] for
    /// any other parameter that stage 1 would refuse.
    pub fn check<'a>(parameters: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut found = Self::default();
        for parameter in parameters {
            // Stage 1 reads words as a kernel does, without their quotes.
            let word = parameter.replace('"', "");
            if word.starts_with(INDEX) {
                let parameter = word.chars().take(80).collect();
                return Err(Error::ReservedParameter { parameter });
            }
            let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
            if CALLERS.contains(&name) {
                word.parse::<BootParameter>()?;
            }
            found.has_source |= name == FROM;
            found.has_address |= word.starts_with("ip=");
        }
        Ok(found)
    }
}
