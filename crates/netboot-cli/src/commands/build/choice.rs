//! The profiles that a build is for, and the configuration of each.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use netboot_core::{Architecture, Context, Payload, Profile, ProfileName, ProfileSpec, Report};
use netboot_nix::NixBuilder;

use crate::configuration::ConfigurationPattern;
use crate::error::Error;
use crate::known_profiles::KnownProfiles;
use crate::misuse::Misuse;

/// `--configuration`: a pattern for the configurations of all profiles, or the name of one
/// configuration.
#[derive(Debug, Clone)]
pub(super) enum ConfigurationName {
    OfEach(ConfigurationPattern),
    One(String),
}

impl FromStr for ConfigurationName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.contains("{profile}") {
            return Ok(Self::OfEach(text.parse()?));
        }
        Ok(Self::One(text.to_owned()))
    }
}

impl fmt::Display for ConfigurationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfEach(pattern) => pattern.fmt(f),
            Self::One(name) => f.write_str(name),
        }
    }
}

/// The request for profiles.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The profiles that the command line names.
    pub(super) names: &'a [ProfileName],
    pub(super) configuration: Option<&'a ConfigurationName>,
    pub(super) known: &'a KnownProfiles,
    pub(super) architecture: Option<Architecture>,
    pub(super) closure: bool,
}

/// The profiles to build.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) profiles: Vec<ProfileSpec>,
    /// The names of their configurations.
    pub(super) configurations: BTreeMap<ProfileName, String>,
}

impl Wanted<'_> {
    /// Chooses the profiles. Asks the flake for its configurations only if nobody named profiles.
    ///
    /// # Errors
    /// If there is no profile to build, or the flake cannot be asked.
    pub(super) async fn choose(
        &self,
        flake: &NixBuilder,
        context: &Context,
    ) -> Result<Choice, Report> {
        let names = match self.configuration {
            Some(ConfigurationName::One(configuration)) => vec![self.only_profile(configuration)?],
            _ if !self.names.is_empty() => self.names.to_vec(),
            _ if !self.known.listed().is_empty() => {
                self.known.listed().iter().map(|profile| profile.name().clone()).collect()
            }
            _ => self.all_of(flake, context).await?,
        };
        let mut profiles: Vec<ProfileSpec> = Vec::new();
        for name in names {
            if profiles.iter().all(|there| *there.name() != name) {
                profiles.push(self.describe(&name));
            }
        }
        let configuration =
            |profile: &ProfileSpec| (profile.name().clone(), self.configuration_of(profile.name()));
        let configurations = profiles.iter().map(configuration).collect();
        Ok(Choice { profiles, configurations })
    }

    fn describe(&self, name: &ProfileName) -> ProfileSpec {
        let mut profile = self.known.describe(name);
        if let Some(architecture) = self.architecture {
            profile = profile.with_architecture(architecture);
        }
        if self.closure && profile.payload().is_none() {
            profile = profile.with_payload(Payload::Closure);
        }
        profile
    }

    /// The name of a profile's configuration.
    fn configuration_of(&self, profile: &ProfileName) -> String {
        match self.configuration {
            Some(ConfigurationName::One(name)) => name.clone(),
            Some(ConfigurationName::OfEach(pattern)) => pattern.attribute(profile),
            None => self.known.configuration_of(profile),
        }
    }

    /// The profile that is built from the one configuration of the command line.
    fn only_profile(&self, configuration: &str) -> Result<ProfileName, Report> {
        match self.names {
            [name] => Ok(name.clone()),
            [] => ProfileName::new(configuration).map_err(|_| {
                Misuse::report(
                    format!("`{configuration}` is not the name of a profile"),
                    "name the profile that is built from this configuration: `--profile NAME`",
                )
            }),
            _ => Err(Misuse::report(
                format!("`{configuration}` is one configuration, and cannot be several profiles"),
                "write `{profile}` in the place of the profile's name: `--configuration \
                 'netboot-{profile}'`",
            )),
        }
    }

    /// Every profile whose configuration the flake has.
    async fn all_of(
        &self,
        flake: &NixBuilder,
        context: &Context,
    ) -> Result<Vec<ProfileName>, Report> {
        let pattern = match self.configuration {
            Some(ConfigurationName::OfEach(pattern)) => pattern,
            _ => self.known.pattern(),
        };
        let available = flake.configurations(context).await?;
        let names: Vec<ProfileName> =
            available.iter().filter_map(|name| pattern.profile(name)).collect();
        if !names.is_empty() {
            return Ok(names);
        }
        let problem = format!("no configuration of the flake has a name like `{pattern}`");
        if available.is_empty() {
            return Err(Report::message(
                problem,
                "add a configuration to `nixosConfigurations` of the flake",
            ));
        }
        Err(Report::message(
            format!("{problem}; it has: {}", available.join(", ")),
            "name one: `--configuration NAME`; or give the pattern of several: `--configuration \
             'NAME-{profile}'`",
        ))
    }
}
