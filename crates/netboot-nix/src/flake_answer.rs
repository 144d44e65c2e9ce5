//! The request to a flake, and its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use netboot_core::ServiceName;
use serde::{Deserialize, Serialize};

use crate::closure_boot::EmbeddedClosureBoot;
use crate::overrides::embed::Embedded;
use crate::policy::check::PolicyFacts;

/// The request for one profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ProfileRequest {
    /// The name of the configuration.
    pub(crate) name: String,
    pub(crate) overrides: Option<Embedded>,
    /// The values that closure boot needs, if the payload is the closure.
    pub(crate) closure: Option<EmbeddedClosureBoot>,
    /// The services that the policy checks, if there is a policy.
    pub(crate) services: Option<Vec<ServiceName>>,
    /// True if the licences of packages are wanted.
    pub(crate) licences: bool,
    /// True if systemd is wanted, which has the stub for a UKI.
    pub(crate) systemd: bool,
}

/// Licences by store path: identifiers of SPDX, or names.
pub(crate) type Licences = BTreeMap<String, BTreeSet<String>>;

/// The answer of the flake.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answer {
    pub(crate) nix_version: String,
    /// The directory of the Nix store.
    pub(crate) store: PathBuf,
    pub(crate) available: Vec<String>,
    /// The configurations, by the names of the profiles.
    pub(crate) configurations: BTreeMap<String, Configuration>,
}

/// The answer for one configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum Configuration {
    /// The configuration does not exist.
    Missing,
    /// The configuration throws.
    Failed,
    /// The configuration has no `extendModules`, but there are overrides.
    Fixed,
    /// The configuration has these values.
    Evaluated(Box<Values>),
}

/// The values of a configuration. Undefined values are `None`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Values {
    pub(crate) kernel: Option<Output>,
    pub(crate) initrd: Option<Output>,
    pub(crate) toplevel: Option<Output>,
    /// `systemd.package`, if it was wanted.
    pub(crate) systemd: Option<Output>,
    /// The elements of `netboot.storeContents`.
    pub(crate) store_contents: Option<Vec<StoreElement>>,
    pub(crate) kernel_parameters: Option<serde_json::Value>,
    pub(crate) kernel_file: Option<serde_json::Value>,
    /// Nix's name of the system that the configuration is for, such as `aarch64-linux`.
    pub(crate) host_platform: Option<String>,
    pub(crate) policy: Option<PolicyFacts>,
    /// The licences of the packages that the configuration names.
    pub(crate) licences: Option<Licences>,
}

/// An element of `netboot.storeContents`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StoreElement {
    /// The element as a string: a store path, or a path below one.
    pub(crate) text: String,
    /// The store paths that the string needs: derivations with outputs, and sources without (Nix
    /// manual, `builtins.getContext`).
    pub(crate) context: BTreeMap<String, Vec<String>>,
}

impl Values {
    /// Returns true if the store still has the derivations.
    pub(crate) fn derivations_exist(&self) -> bool {
        let parts = [&self.kernel, &self.initrd, &self.toplevel, &self.systemd];
        parts.into_iter().flatten().all(|output| Path::new(&output.drv).exists())
    }
}

/// An output of a derivation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Output {
    pub(crate) drv: String,
    pub(crate) out: String,
    #[serde(rename = "output")]
    pub(crate) name: String,
    pub(crate) system: Option<String>,
}

impl Output {
    /// The problem with an output that no derivation of this store can have, or `None` if it is
    /// valid. The output comes from the flake's code, which can claim anything. It goes to Nix as
    /// an argument, and files are published from its path.
    pub(crate) fn problem(&self, store: &Path) -> Option<&'static str> {
        // The characters of store path names (Nix manual, "Store path").
        let is_name = |name: &str| {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+-._?=".contains(c);
            !name.is_empty() && !name.starts_with('-') && name.chars().all(is_allowed)
        };
        let in_store = |path: &str| {
            let path = Path::new(path);
            let name = path.file_name().and_then(|name| name.to_str());
            path.parent() == Some(store) && name.is_some_and(|name| is_name(name) && name != "..")
        };
        if !in_store(&self.drv) || Path::new(&self.drv).extension() != Some("drv".as_ref()) {
            Some("its `drvPath` is not a derivation in the store")
        } else if is_placeholder(&self.out) {
            Some(
                "its `outPath` is known only after the build, because it is content-addressed; \
                 leave out `__contentAddressed`",
            )
        } else if !in_store(&self.out) {
            Some("its `outPath` is not a path in the store")
        } else if !is_name(&self.name) {
            Some("its `outputName` is not the name of an output")
        } else {
            None
        }
    }
}

/// Returns true for the text that stands for the path of a content-addressed output until it is
/// built: a slash and the 52 digits of a SHA-256 digest (Nix manual, "Content-addressing derivation
/// outputs").
fn is_placeholder(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|digest| {
        digest.len() == 52 && digest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_lies_in_the_store() {
        let output = |drv: &str, out: &str, name: &str| Output {
            drv: drv.to_owned(),
            out: out.to_owned(),
            name: name.to_owned(),
            system: None,
        };
        let problem = |output: Output| output.problem(Path::new("/nix/store"));
        assert_eq!(problem(output("/nix/store/a-x.drv", "/nix/store/b-x", "out")), None);
        for (drv, out, name) in [
            ("--help.drv", "/nix/store/b-x", "out"),
            ("/nix/store/a-x", "/nix/store/b-x", "out"),
            ("/nix/store/../a-x.drv", "/nix/store/b-x", "out"),
            ("/nix/store/a-x.drv", "/etc", "out"),
            ("/nix/store/a-x.drv", "/nix/store/..", "out"),
            ("/nix/store/a-x.drv", "/nix/store/b-x/etc", "out"),
            ("/nix/store/a-x.drv", "/nix/store", "out"),
            ("/nix/store/a-x.drv", "/nix/store/b-x", "out,dev"),
            ("/nix/store/a-x.drv", "/nix/store/b-x", ""),
        ] {
            assert!(problem(output(drv, out, name)).is_some(), "{drv} {out} {name}");
        }
    }
}
