//! The profiles and groups of matchbox.
//!
//! The fields are those of `storage.proto` and `group.go` in matchbox's repository
//! (`poseidon/matchbox`), with the names of its documentation ("Profiles", "Groups").

use std::collections::BTreeMap;

use netboot_core::Manifest;
use serde::{Deserialize, Serialize};

use crate::dispatch::assignment::Assignment;
use crate::dispatch::fleet::{Fleet, UnknownMachine};
use crate::dispatch::key::MachineKey;
use crate::dispatch::selector::Selector;
use crate::error::Error;
use crate::interchange::matchbox_order;
use crate::interchange::payload::Payload;
use crate::interchange::payload_base::PayloadBase;
use crate::interchange::problem::InterchangeProblem;
use crate::interchange::server::MATCHBOX;
use crate::interchange::server::json;
use crate::script_argument::ScriptArgument;

/// A profile, which tells what machines boot: `profiles/<id>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Profile {
    /// The id, by which groups name it, and the name of its file.
    pub id: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The image that machines boot.
    pub boot: NetBoot,
}

/// The image that a profile boots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NetBoot {
    /// The URL of the kernel. A URL that starts with `/` is served by matchbox itself.
    pub kernel: String,
    /// The URLs of the initrds, in order.
    #[serde(default)]
    pub initrd: Vec<String>,
    /// The kernel parameters in order. matchbox writes them after the kernel. It names an image by
    /// the end of its URL, so the value of `initrd=` is the digest of the initrd.
    #[serde(default)]
    pub args: Vec<String>,
}

/// A group, which tells which machines boot a profile: `groups/<id>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// The id, and the name of its file.
    pub id: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The id of the profile.
    pub profile: String,
    /// The labels that a machine must have, all of them. Without labels, every machine matches.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
}

/// A directory for matchbox's `-data-path`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataDirectory {
    profiles: BTreeMap<String, Profile>,
    groups: BTreeMap<String, Group>,
}

impl DataDirectory {
    /// Exports the profiles of the release that `manifest` describes, and the groups of `fleet`.
    ///
    /// A machine with its own parameters or its own initrd has its own profile,
    /// `<profile>.<machine>`. An assignment has a group for each of its selectors.
    ///
    /// # Errors
    /// [`Error::NotInterchangeable`] for
    /// - keys that matchbox does not get (its iPXE sends `uuid`, `mac`, `domain`, `hostname` and
    ///   `serial`),
    /// - tokens, and a menu or the local disk for unknown machines,
    /// - payloads in the place of Pixiecore's answers,
    /// - an image with a closure and payloads without an `http://` URL,
    /// - a fleet that chooses another group than matchbox, which takes the group with the most
    ///   keys, and of several the last one in the order of their texts.
    ///
    /// Also [`Error::UnknownProfile`], [`Error::Unprintable`], [`Error::TooManyArguments`] and
    /// [`Error::CommandLineTooLong`].
    pub fn export(manifest: &Manifest, fleet: &Fleet, base: &PayloadBase) -> Result<Self, Error> {
        base.check(MATCHBOX)?;
        let mut data = Self::default();
        for profile in manifest.images().keys() {
            let payload = Payload::new(MATCHBOX, manifest, profile, None)?;
            data.add_profile(profile.as_str().to_owned(), &payload, base)?;
        }
        for assignment in fleet.assignments() {
            data.add_assignment(manifest, assignment, base)?;
        }
        matchbox_order::check(fleet)?;
        let wanted = match fleet.unknown() {
            UnknownMachine::Refuse => return Ok(data),
            UnknownMachine::Profile(profile) => {
                Payload::new(MATCHBOX, manifest, profile, None)?;
                data.add_group("unknown-machines.default", "", profile.as_str(), BTreeMap::new());
                return Ok(data);
            }
            UnknownMachine::Menu => "menu",
            UnknownMachine::LocalDisk => "local disk",
        };
        let problem = InterchangeProblem::Unknown { wanted };
        let subject = "the fleet".to_owned();
        Err(Error::NotInterchangeable { server: MATCHBOX, subject, problem })
    }

    /// The profiles by id.
    pub fn profiles(&self) -> &BTreeMap<String, Profile> {
        &self.profiles
    }

    /// The groups by id.
    pub fn groups(&self) -> &BTreeMap<String, Group> {
        &self.groups
    }

    /// The files by their path below the data directory.
    ///
    /// # Errors
    /// [`Error::Json`], which does not happen in practice because every key is a string.
    pub fn files(&self) -> Result<BTreeMap<String, String>, Error> {
        let profiles = self
            .profiles
            .iter()
            .map(|(id, profile)| Ok((format!("profiles/{id}.json"), json(profile)?)));
        let groups =
            self.groups.iter().map(|(id, group)| Ok((format!("groups/{id}.json"), json(group)?)));
        profiles.chain(groups).collect()
    }

    fn add_profile(
        &mut self,
        id: String,
        payload: &Payload<'_>,
        base: &PayloadBase,
    ) -> Result<(), Error> {
        let (kernel, initrds) = (payload.image.kernel.sha256, payload.initrds());
        let named = initrds.iter().map(|digest| format!("initrd={digest}"));
        // matchbox writes arguments into the script as they are, so iPXE expands this one.
        let card = ScriptArgument::boot_card();
        let boot = NetBoot {
            kernel: base.blob(&kernel),
            initrd: initrds.iter().map(|digest| base.blob(digest)).collect(),
            args: payload.parameters(&kernel.to_string(), named, card, base)?,
        };
        let name = payload.image.title.to_string();
        self.profiles.insert(id.clone(), Profile { id, name, boot });
        Ok(())
    }

    fn add_assignment(
        &mut self,
        manifest: &Manifest,
        assignment: &Assignment,
        base: &PayloadBase,
    ) -> Result<(), Error> {
        let (name, profile) = (assignment.name(), assignment.profile());
        let payload = Payload::new(MATCHBOX, manifest, profile, Some(assignment))?;
        let is_plain = assignment.parameters().is_empty() && assignment.overlay().is_none();
        let profile = if is_plain {
            profile.as_str().to_owned()
        } else {
            // The name of a profile has no dot.
            let id = format!("{profile}.{name}");
            self.add_profile(id.clone(), &payload, base)?;
            id
        };
        for (number, selector) in (1..).zip(assignment.selectors()) {
            let labels = labels(assignment, selector)?;
            let id = if number == 1 { name.to_string() } else { format!("{name}_{number}") };
            self.add_group(&id, name.as_str(), &profile, labels);
        }
        Ok(())
    }

    fn add_group(
        &mut self,
        id: &str,
        name: &str,
        profile: &str,
        selector: BTreeMap<String, String>,
    ) {
        // Another machine may have the name of a second group.
        let taken = |id: &String| self.groups.contains_key(id);
        let mut unique = id.to_owned();
        while taken(&unique) {
            unique.push('_');
        }
        let group = Group {
            id: unique.clone(),
            name: name.to_owned(),
            profile: profile.to_owned(),
            selector,
        };
        self.groups.insert(unique, group);
    }
}

/// The labels of a selector, as matchbox's iPXE sends them and its groups have them.
fn labels(assignment: &Assignment, selector: &Selector) -> Result<BTreeMap<String, String>, Error> {
    let label = |key: &MachineKey| {
        let (name, value) = match key {
            MachineKey::Mac(mac) => ("mac", mac.to_string()),
            MachineKey::Uuid(uuid) => ("uuid", uuid.to_string()),
            MachineKey::Serial(serial) => ("serial", serial.to_string()),
            MachineKey::Setting { name, value } if name.as_str() == "hostname" => {
                ("hostname", value.to_string())
            }
            MachineKey::Setting { name, value } if name.as_str() == "domain" => {
                ("domain", value.to_string())
            }
            _ => return None,
        };
        // matchbox writes the values into a query without encoding them.
        let is_plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | ':');
        value.chars().all(is_plain).then(|| (name.to_owned(), value))
    };
    let pair = |key: &MachineKey| {
        label(key).ok_or_else(|| Error::NotInterchangeable {
            server: MATCHBOX,
            subject: format!("the machine {}", assignment.name()),
            problem: InterchangeProblem::Key { key: key.to_string() },
        })
    };
    selector.keys().iter().map(pair).collect()
}
