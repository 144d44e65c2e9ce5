//! The section `[closure-boot]`: how images with a closure are built, and who else serves them.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use netboot_closure::boot_parameter::HttpUrl;
use netboot_core::{Payload, Profile};
use netboot_nix::ClosureBoot;
use serde::Deserialize;
use url::Url;

use super::error::Problem;

/// The settings of machines that boot from closures.
#[derive(Debug, Clone)]
pub(crate) struct ClosureBooting {
    /// The settings of their initrd's build.
    pub(crate) build: ClosureBoot,
    /// Other servers with the files of the served target. Machines try them in order when this
    /// service is away.
    pub(crate) mirrors: Vec<Url>,
}

/// The section `[closure-boot]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ClosureBootSection {
    program: Option<PathBuf>,
    source: Option<PathBuf>,
    #[serde(default)]
    network_drivers: Vec<String>,
    #[serde(default)]
    mirrors: Vec<Url>,
}

impl ClosureBootSection {
    pub(super) fn check(self) -> Result<ClosureBooting, Problem> {
        let build = match (self.program, self.source) {
            (Some(program), None) => ClosureBoot::with_program(program),
            (None, Some(source)) => ClosureBoot::from_source(source),
            _ => {
                let hint = "write program, the path of netboot-stage1, or source, the directory \
                            with Netboot's sources";
                let problem = "it needs either program or source";
                return Err(Problem::new("closure-boot", problem, hint));
            }
        };
        let of = |error: netboot_nix::Error| Problem::of("closure-boot", &error, error.hint());
        let drivers = self.network_drivers.into_iter();
        let build = drivers.fold(build, |build, driver| build?.network_driver(driver));
        Ok(ClosureBooting { build: build.map_err(of)?, mirrors: check_mirrors(self.mirrors)? })
    }
}

/// Stage 1 has no TLS, and adds a path to each URL.
fn check_mirrors(mirrors: Vec<Url>) -> Result<Vec<Url>, Problem> {
    let is_usable = |url: &&Url| HttpUrl::from_str(url.as_str()).is_ok() && url.query().is_none();
    let Some(url) = mirrors.iter().find(|url| !is_usable(url)) else { return Ok(mirrors) };
    // The URL may have a password.
    let host = url.host_str().unwrap_or("an unknown host");
    let problem = format!("stage 1 cannot fetch from the URL of `{host}`");
    let hint = "write the http:// URL of a directory with `blobs/`, without a password";
    Err(Problem::new("closure-boot.mirrors", problem, hint))
}

/// Refuses profiles that cannot be built without the section.
pub(super) fn check_profiles<'a>(
    closure_boot: Option<&ClosureBooting>,
    mut profiles: impl Iterator<Item = &'a Arc<dyn Profile>>,
) -> Result<(), Problem> {
    let needs = |profile: &&Arc<dyn Profile>| profile.payload() == Some(Payload::Closure);
    match profiles.find(needs).filter(|_| closure_boot.is_none()) {
        None => Ok(()),
        Some(profile) => {
            let problem = format!("the profile `{}` needs it for its closure", profile.name());
            let hint = "add the section with program, the path of netboot-stage1";
            Err(Problem::new("closure-boot", problem, hint))
        }
    }
}
