//! Turns the tables of the file into what the other crates take.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use netboot_core::{ProfileName, ProfileSpec, SiteName};
use netboot_ipxe::Fleet;
use netboot_nix::{ClosureBoot, FlakeReference, Overrides};
use netboot_publish::TrustedKeys;
use netboot_uki::PeSigner;

use super::closure_boot::ClosureBootSection;
use super::problem::Problem;
use super::profile::ProfileEntry;
use super::secure_boot::SecureBootSection;
use super::signing_keys::SigningKeys;
use super::{Configuration, FILE_NAME};
use crate::error::Error;
use crate::target::{Target, is_location};

impl Configuration {
    /// The target that a text means: a location, which has a `/`, `://` or `HOST:`, or a name of
    /// `[targets]`. The target gets the keys of `[signing]`.
    ///
    /// # Errors
    /// [`Error::InvalidTarget`], [`Error::UnknownTarget`]; [`Error::InvalidConfiguration`] for the
    /// keys of `[signing]`.
    pub fn target(&self, text: &str) -> Result<Target, Error> {
        let target = if is_location(text) {
            text.parse()?
        } else {
            match SiteName::new(text).ok().filter(|name| self.targets.contains_key(name)) {
                Some(name) => self.named_target(&name)?,
                None => {
                    return Err(Error::UnknownTarget {
                        name: text.to_owned(),
                        file: self.file.clone(),
                        known: self.targets.keys().cloned().collect(),
                    });
                }
            }
        };
        Ok(match &self.signing {
            Some(signing) => target.with_signing(signing.clone(), self.shown_file().to_owned()),
            None => target,
        })
    }

    /// The targets of the file. They have no keys of `[signing]`, for a program that gives its
    /// publishers more than the keys.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`] for settings that contradict each other.
    pub fn unsigned_targets(&self) -> Result<BTreeMap<SiteName, Target>, Error> {
        let named = |name: &SiteName| Ok((name.clone(), self.named_target(name)?));
        self.targets.keys().map(named).collect()
    }

    /// A target of the file, without the keys of `[signing]`.
    pub(super) fn named_target(&self, name: &SiteName) -> Result<Target, Error> {
        let key = format!("targets.{name}");
        let hint = "add it to the table, or name another target";
        let Some(entry) = self.targets.get(name) else {
            return Err(self.refusal(key, "there is no such target", hint));
        };
        Target::of(name, &entry.table())
            .map_err(|error| Problem::of(key, &error, error.hint()).in_file(self.shown_file()))
    }

    /// The profiles as builders take them, in the order of the file.
    pub fn profile_specs(&self) -> Vec<ProfileSpec> {
        self.profiles.iter().map(ProfileEntry::spec).collect()
    }

    /// The name of a profile's NixOS configuration: its own, or what the pattern of the flake says.
    pub fn flake_attribute(&self, profile: &ProfileName) -> String {
        let entry = self.profiles.iter().find(|entry| entry.name == *profile);
        entry
            .and_then(|entry| entry.configuration.clone())
            .unwrap_or_else(|| self.flake.configuration.attribute(profile))
    }

    /// The flake, if the file names one. A local flake has to exist.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`].
    pub fn flake_reference(&self) -> Result<Option<FlakeReference>, Error> {
        self.at(self.flake.checked_reference())
    }

    /// The changes to each NixOS configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`].
    pub fn overrides(&self) -> Result<Overrides, Error> {
        self.at(self.flake.overrides())
    }

    /// The build of images with a closure, if the file has its table.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`] if its files do not exist.
    pub fn closure_build(&self) -> Result<Option<ClosureBoot>, Error> {
        self.at(self.closure_boot.as_ref().map(ClosureBootSection::build).transpose())
    }

    /// Reads the certificate and the key of `[secure-boot]`, if the file has it.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`] if a file cannot be read, or is no such key.
    pub fn secure_boot_signer(&self) -> Result<Option<Arc<dyn PeSigner>>, Error> {
        self.at(self.secure_boot.as_ref().map(SecureBootSection::signer).transpose())
    }

    /// Reads the keys of `[signing]`, if the file has it.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`] if a file cannot be read, or the keys make no sense.
    pub fn signing_keys(&self) -> Result<Option<SigningKeys>, Error> {
        self.signing.as_ref().map(|signing| signing.read(self.shown_file())).transpose()
    }

    /// Reads the public keys of `[signing]`, if the file has it. This needs no secret key, unless
    /// nothing else names its public key.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`] if a file cannot be read, or the keys make no sense.
    pub fn trusted_keys(&self) -> Result<Option<TrustedKeys>, Error> {
        let keys = self.signing.as_ref().map(|signing| signing.read_public(self.shown_file()));
        Ok(keys.transpose()?.map(|keys| keys.trusted_keys().clone()))
    }

    /// The machines as scripts are written for them.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`] if two machines cannot be told apart.
    pub fn fleet(&self) -> Result<Fleet, Error> {
        self.at(self.machines.fleet())
    }

    /// Refuses machines that boot a profile that does not exist.
    ///
    /// # Errors
    /// [`Error::InvalidConfiguration`].
    pub fn check_assigned(&self, has_profile: impl Fn(&ProfileName) -> bool) -> Result<(), Error> {
        self.at(self.machines.check_profiles(has_profile))
    }

    /// The error that a key of this file has a value that cannot be used.
    pub fn refusal(
        &self,
        key: impl Into<String>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Error {
        Problem::new(key, problem, hint).in_file(self.shown_file())
    }

    /// Reports a problem that another crate found, with its causes and its hint.
    pub fn refusal_of(
        &self,
        key: impl Into<String>,
        error: &(dyn std::error::Error + 'static),
        hint: Option<String>,
    ) -> Error {
        Problem::of(key, error, hint).in_file(self.shown_file())
    }

    /// The file, for the message of an error in it.
    fn shown_file(&self) -> &Path {
        self.file().unwrap_or(Path::new(FILE_NAME))
    }

    pub(super) fn at<T>(&self, checked: Result<T, Problem>) -> Result<T, Error> {
        checked.map_err(|problem| problem.in_file(self.shown_file()))
    }
}
