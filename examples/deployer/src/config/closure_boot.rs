//! The settings of machines that boot from closures.

use std::sync::Arc;

use netboot_cli::Error;
use netboot_cli::configuration::Configuration;
use netboot_core::{Payload, Profile};
use netboot_nix::ClosureBoot;
use url::Url;

/// The settings of machines that boot from closures.
#[derive(Debug, Clone)]
pub(crate) struct ClosureBooting {
    /// The settings of their initrd's build.
    pub(crate) build: ClosureBoot,
    /// Other servers with the files of the served target. Machines try them in order when this
    /// service is away.
    pub(crate) mirrors: Vec<Url>,
}

/// Reads the table. Refuses profiles that cannot be built without it.
pub(super) fn check<'a>(
    file: &Configuration,
    mut profiles: impl Iterator<Item = &'a Arc<dyn Profile>>,
) -> Result<Option<ClosureBooting>, Error> {
    if let (Some(build), Some(section)) = (file.closure_build()?, &file.closure_boot) {
        return Ok(Some(ClosureBooting { build, mirrors: section.mirrors.clone() }));
    }
    match profiles.find(|profile| profile.payload() == Some(Payload::Closure)) {
        None => Ok(None),
        Some(profile) => {
            let problem = format!("the profile `{}` needs it for its closure", profile.name());
            let hint = "add the table with program, the path of netboot-stage1";
            Err(file.refusal("closure-boot", problem, hint))
        }
    }
}
