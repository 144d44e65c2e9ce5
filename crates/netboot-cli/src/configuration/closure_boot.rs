//! The table `[closure-boot]`.

use std::path::PathBuf;
use std::str::FromStr;

use netboot_closure::boot_parameter::HttpUrl;
use netboot_nix::ClosureBoot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::problem::Problem;

/// The table `[closure-boot]`: how images with a closure are built, and who else serves them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ClosureBootSection {
    /// The static program `netboot-stage1`. It or `source` is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
    /// The directory with Netboot's sources, of which Nix builds the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<PathBuf>,
    /// The kernel modules of network cards besides those of common servers.
    pub network_drivers: Vec<String>,
    /// Other servers with the files of the target: `http:` URLs, which machines try in order.
    #[schemars(with = "Vec<String>")]
    pub mirrors: Vec<Url>,
}

impl ClosureBootSection {
    /// The settings of the build. The file or directory has to exist.
    pub(super) fn build(&self) -> Result<ClosureBoot, Problem> {
        let build = match (&self.program, &self.source) {
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
        let drivers = self.network_drivers.iter();
        drivers.fold(build, |build, driver| build?.network_driver(driver)).map_err(of)
    }

    /// Refuses a mirror that no machine can fetch from: stage 1 has no TLS, and adds a path to each
    /// URL.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let is_usable =
            |url: &&Url| HttpUrl::from_str(url.as_str()).is_ok() && url.query().is_none();
        let Some(url) = self.mirrors.iter().find(|url| !is_usable(url)) else { return Ok(()) };
        // The URL may have a password.
        let host = url.host_str().unwrap_or("an unknown host");
        let problem = format!("stage 1 cannot fetch from the URL of `{host}`");
        let hint = "write the http:// URL of a directory with `blobs/`, without a password";
        Err(Problem::new("closure-boot.mirrors", problem, hint))
    }
}
