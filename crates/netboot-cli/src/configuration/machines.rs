//! The table `[machines]`: how each machine is recognised, and what it boots.

use std::collections::BTreeMap;

use netboot_core::{Architecture, KernelParameter, MacAddress, ProfileName, Sha256Digest};
use netboot_ipxe::{
    AssetTag, Assignment, Fleet, MachineKey, MachineName, MachineUuid, Selector, SerialNumber,
    UnknownMachine,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// The table `[machines]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct MachinesSection {
    /// The boot of a machine that is not in the file: `"refuse"`, the default, boots nothing; or
    /// `"menu"`, `"local-disk"`, `{ profile = "NAME" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownMachines>,
    /// The machines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownMachine>,
}

/// The boot of a machine that is not in the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum UnknownMachines {
    /// Nothing. This is the default, so that a machine boots only if somebody wants it to.
    #[default]
    Refuse,
    /// A menu.
    Menu,
    /// Its local disk.
    LocalDisk,
    /// A profile.
    Profile(#[schemars(with = "String")] ProfileName),
}

/// An entry of `[[machines.known]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct KnownMachine {
    /// The name of the machine: up to 63 lower-case letters, digits, `.`, `_` and `-`.
    #[schemars(with = "String")]
    pub name: MachineName,
    /// The properties by which it is recognised. All of them have to match, and one is required.
    pub r#match: MachineMatch,
    /// The profile that it boots.
    #[schemars(with = "String")]
    pub profile: ProfileName,
    /// Kernel parameters besides those of its profile.
    #[schemars(with = "Vec<String>")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel_parameters: Vec<KernelParameter>,
    /// Notes, as pairs of names and texts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The host name or IP address at which nixos-anywhere reaches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The attestation key of its TPM: the SHA-256 digest of the public area in hexadecimal digits,
    /// which `tpm2_readpublic` shows behind `000b` as the name of the key.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation_key: Option<Sha256Digest>,
}

/// The properties by which a machine is recognised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct MachineMatch {
    /// The address of the network card that it boots from.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// The UUID in its firmware.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<MachineUuid>,
    /// The serial number in its firmware.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<SerialNumber>,
    /// The asset tag in its firmware.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_tag: Option<AssetTag>,
    /// The architecture: `x86_64` or `aarch64`.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// Settings of iPXE, such as `{ manufacturer = "Example Inc." }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

impl MachineMatch {
    /// The properties as a fleet takes them.
    ///
    /// # Errors
    /// If there is none, or many machines share one.
    pub fn selector(&self) -> Result<Selector, netboot_ipxe::Error> {
        let own = self.clone();
        let keys = [
            own.mac.map(MachineKey::Mac),
            own.uuid.map(MachineKey::Uuid),
            own.serial.map(MachineKey::Serial),
            own.asset_tag.map(MachineKey::AssetTag),
            own.architecture.map(MachineKey::Architecture),
        ];
        let mut keys: Vec<MachineKey> = keys.into_iter().flatten().collect();
        for (name, value) in &self.settings {
            keys.push(MachineKey::setting(name, value)?);
        }
        Selector::new(keys)
    }
}

impl MachinesSection {
    /// Returns true if the file says what machines boot. A file may list no machine, and still say
    /// what a machine boots that is not listed.
    #[cfg(feature = "program")]
    pub(crate) fn is_written(&self) -> bool {
        self.unknown.is_some() || !self.known.is_empty()
    }

    /// The machines as scripts are written for them.
    pub(super) fn fleet(&self) -> Result<Fleet, Problem> {
        let unknown = match &self.unknown {
            None | Some(UnknownMachines::Refuse) => UnknownMachine::Refuse,
            Some(UnknownMachines::Menu) => UnknownMachine::Menu,
            Some(UnknownMachines::LocalDisk) => UnknownMachine::LocalDisk,
            Some(UnknownMachines::Profile(profile)) => UnknownMachine::Profile(profile.clone()),
        };
        let mut fleet = Fleet::builder(unknown);
        for known in &self.known {
            let of = |error: netboot_ipxe::Error| Problem::of(known.key(), &error, error.hint());
            let assignment = Assignment::new(known.name.clone(), known.profile.clone())
                .map_err(of)?
                .with_selector(known.r#match.selector().map_err(of)?);
            let mut parameters = known.kernel_parameters.iter().cloned();
            let Ok(assignment) = parameters.try_fold(assignment, Assignment::with_kernel_parameter);
            fleet = fleet.assignment(assignment);
        }
        // This finds two machines with one name or one key.
        let of = |error: netboot_ipxe::Error| Problem::of("machines.known", &error, error.hint());
        fleet.build().map_err(of)
    }

    /// Refuses profiles that do not exist.
    pub(super) fn check_profiles(
        &self,
        has_profile: impl Fn(&ProfileName) -> bool,
    ) -> Result<(), Problem> {
        let refuse = |key: String, profile: &ProfileName| {
            let hint = "name one of the [[profiles]], or add it there";
            Err(Problem::new(key, format!("there is no profile `{profile}`"), hint))
        };
        match &self.unknown {
            Some(UnknownMachines::Profile(profile)) if !has_profile(profile) => {
                return refuse("machines.unknown".to_owned(), profile);
            }
            _ => {}
        }
        match self.known.iter().find(|known| !has_profile(&known.profile)) {
            Some(known) => refuse(known.key(), &known.profile),
            None => Ok(()),
        }
    }
}

impl KnownMachine {
    /// The entry, as messages name it.
    pub fn key(&self) -> String {
        format!("machines.known `{}`", self.name)
    }
}
