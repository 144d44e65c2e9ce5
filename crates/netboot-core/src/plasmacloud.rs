//! The built-in profiles of PlasmaCloud.

use crate::error::Error;
use crate::profile_spec::ProfileSpec;

/// The text of the file with the built-in profiles, as an example for your own file.
pub const PROFILE_FILE: &str = include_str!("plasmacloud.toml");

/// Returns the profiles `control-plane`, `worker` and `all-in-one`.
///
/// ```
/// use netboot_core::{Profile, plasmacloud};
///
/// let profiles = plasmacloud::profiles()?;
/// let worker = profiles.iter().find(|profile| profile.name().as_str() == "worker").unwrap();
/// assert_eq!(worker.services().len(), 2);
/// # Ok::<(), netboot_core::Error>(())
/// ```
///
/// # Errors
/// Never in practice: the file is part of the crate, and a test reads it.
pub fn profiles() -> Result<Vec<ProfileSpec>, Error> {
    ProfileSpec::parse_toml(PROFILE_FILE, "plasmacloud.toml")
}
