//! The table `[flake]`.

use netboot_nix::{AuthorizedKey, FlakeReference, Overrides};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern::ConfigurationPattern;
use super::problem::Problem;

/// The table `[flake]`: where the NixOS configurations of the images are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct FlakeSection {
    /// The flake, as on Nix's command line: a path, `git+ssh://…` or `github:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The name of a profile's NixOS configuration in the flake. `{profile}` stands for the name of
    /// the profile.
    #[schemars(with = "String")]
    pub configuration: ConfigurationPattern,
    /// Lines of `authorized_keys`: who may log in as root on a booted machine, besides the keys of
    /// the flake.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorized_keys: Vec<AuthorizedKey>,
}

impl FlakeSection {
    /// The reference, if the table has one.
    pub(super) fn checked_reference(&self) -> Result<Option<FlakeReference>, Problem> {
        let checked = self.reference.clone().map(FlakeReference::new).transpose();
        checked.map_err(|error| Problem::of("flake.reference", &error, error.hint()))
    }

    /// The changes to every configuration.
    pub(super) fn overrides(&self) -> Result<Overrides, Problem> {
        let add = |overrides: netboot_nix::OverridesBuilder, key: &AuthorizedKey| {
            overrides.authorized_key("root", key.clone())
        };
        let overrides = self.authorized_keys.iter().fold(Overrides::builder(), add).build();
        overrides.map_err(|error| Problem::of("flake.authorized-keys", &error, error.hint()))
    }
}
