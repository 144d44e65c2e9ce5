//! The profiles that somebody described: in a file, in `netboot.toml`, or in this program.

use std::collections::BTreeMap;
use std::path::Path;

use netboot_core::{Architecture, Profile, ProfileName, ProfileSpec, Report, plasmacloud};

use crate::configuration::{Configuration, ConfigurationPattern};

/// The profiles that somebody described.
#[derive(Debug, Clone)]
pub(crate) struct KnownProfiles {
    listed: Vec<ProfileSpec>,
    built_in: Vec<ProfileSpec>,
    pattern: ConfigurationPattern,
    /// The configurations of profiles that do not follow the pattern.
    configurations: BTreeMap<ProfileName, String>,
    /// The architectures that `netboot.toml` says, instead of leaving them to the default.
    architectures: BTreeMap<ProfileName, Architecture>,
}

impl KnownProfiles {
    /// Reads the profiles of a file, or otherwise those of the configuration.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) async fn of(
        configuration: &Configuration,
        file: Option<&Path>,
    ) -> Result<Self, Report> {
        let listed = match file {
            Some(path) => ProfileSpec::load(path).await?,
            None => configuration.profile_specs(),
        };
        let own = configuration.profiles.iter();
        let own = own.filter_map(|entry| Some((entry.name.clone(), entry.configuration.clone()?)));
        let said = configuration.profiles.iter();
        let said = said.filter_map(|entry| Some((entry.name.clone(), entry.architecture?)));
        Ok(Self {
            listed,
            built_in: plasmacloud::profiles()?,
            pattern: configuration.flake.configuration.clone(),
            configurations: own.collect(),
            architectures: said.collect(),
        })
    }

    /// The profiles of the file, in its order.
    pub(crate) fn listed(&self) -> &[ProfileSpec] {
        &self.listed
    }

    /// The names of configurations that nobody chose on the command line.
    pub(crate) fn pattern(&self) -> &ConfigurationPattern {
        &self.pattern
    }

    /// The name of a profile's configuration, unless the command line chooses it.
    pub(crate) fn configuration_of(&self, profile: &ProfileName) -> String {
        let own = self.configurations.get(profile).cloned();
        own.unwrap_or_else(|| self.pattern.attribute(profile))
    }

    /// The architecture of a profile, if `netboot.toml` says it.
    pub(crate) fn architecture_of(&self, profile: &ProfileName) -> Option<Architecture> {
        self.architectures.get(profile).copied()
    }

    /// The profile of this name. PlasmaCloud's three profiles have their titles and services even
    /// if the file does not name them. Any other profile has its name as its title.
    pub(crate) fn describe(&self, name: &ProfileName) -> ProfileSpec {
        let known = self.listed.iter().chain(&self.built_in).find(|one| one.name() == name);
        if let Some(known) = known {
            return known.clone();
        }
        let Ok(named) = ProfileSpec::new(name.clone());
        named
    }
}
