//! The keys that identify machines.

use std::fmt;
use std::str::FromStr;

use netboot_core::{Architecture, InvalidValue, MacAddress, TextProblem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::dispatch::key_text::{AssetTag, SerialNumber, SettingName, SettingValue};
use crate::dispatch::shared_address::is_shared_address;
use crate::dispatch::shared_identity::{is_shared_text, is_shared_uuid, swapped};
use crate::error::{Error, ValueKind};

/// A property of a machine or of several machines.
///
/// The kinds are ordered by how closely they describe a machine. This order decides if several
/// selectors match: see [`Selector`](super::Selector).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MachineKey {
    /// The hardware address of the network card that the machine boots from.
    Mac(MacAddress),
    /// The UUID in the firmware's tables (SMBIOS type 1).
    Uuid(MachineUuid),
    /// The serial number in the firmware's tables (SMBIOS type 1).
    Serial(SerialNumber),
    /// The asset tag in the firmware's tables (SMBIOS type 3).
    AssetTag(AssetTag),
    /// Any setting of iPXE, such as `manufacturer` or `product`, compared as iPXE shows it. The
    /// case of letters matters.
    Setting {
        /// The setting.
        name: SettingName,
        /// Its value.
        value: SettingValue,
    },
    /// The architecture that iPXE detects.
    Architecture(Architecture),
}

impl MachineKey {
    /// The key of the network card with this address.
    ///
    /// # Errors
    /// [`Error::Core`] for a text that is not a hardware address.
    pub fn mac(
        address: impl TryInto<MacAddress, Error: Into<InvalidValue>>,
    ) -> Result<Self, Error> {
        Ok(Self::Mac(address.try_into().map_err(Into::into)?))
    }

    /// The key of the machine with this UUID.
    ///
    /// # Errors
    /// [`Error::InvalidMachineKey`], or [`Error::SharedIdentity`] for a UUID that many machines
    /// share.
    pub fn uuid(uuid: impl TryInto<MachineUuid, Error: Into<Error>>) -> Result<Self, Error> {
        Ok(Self::Uuid(uuid.try_into().map_err(Into::into)?))
    }

    /// The key of the machine with this serial number.
    ///
    /// # Errors
    /// [`Error::InvalidMachineKey`], or [`Error::SharedIdentity`] for a number that many machines
    /// share.
    pub fn serial(number: impl TryInto<SerialNumber, Error: Into<Error>>) -> Result<Self, Error> {
        Ok(Self::Serial(number.try_into().map_err(Into::into)?))
    }

    /// The key of the machine with this asset tag.
    ///
    /// # Errors
    /// [`Error::InvalidMachineKey`], or [`Error::SharedIdentity`] for a tag that many machines
    /// share.
    pub fn asset_tag(tag: impl TryInto<AssetTag, Error: Into<Error>>) -> Result<Self, Error> {
        Ok(Self::AssetTag(tag.try_into().map_err(Into::into)?))
    }

    /// The key of the setting `name` with this `value`.
    ///
    /// # Errors
    /// [`Error::InvalidMachineKey`], or [`Error::SharedIdentity`] for a value that many machines
    /// share.
    pub fn setting(name: &str, value: &str) -> Result<Self, Error> {
        let key = Self::Setting { name: SettingName::new(name)?, value: SettingValue::new(value)? };
        key.check_identity()?;
        Ok(key)
    }

    /// Fails for a key that many machines share: the address of a card that nobody gave its own, or
    /// a setting that holds such an address, serial number, asset tag or UUID. A fleet checks this.
    ///
    /// # Errors
    /// [`Error::SharedIdentity`], and [`Error::InvalidMachineKey`] for a setting whose value is no
    /// UUID but should be.
    pub fn check_identity(&self) -> Result<(), Error> {
        let (name, value) = match self {
            Self::Setting { name, value } => (name, value),
            Self::Mac(mac) => return check_address(*mac),
            _ => return Ok(()),
        };
        let name = name.as_str().rsplit('/').next().unwrap_or_default();
        let kind = match name {
            "mac" => return value.as_str().parse().map_or(Ok(()), check_address),
            "uuid" => return MachineUuid::from_str(value.as_str()).map(drop),
            "serial" | "board-serial" => ValueKind::SerialNumber,
            "asset" => ValueKind::AssetTag,
            _ => return Ok(()),
        };
        let is_shared = is_shared_text(value.as_str());
        if is_shared { Err(Error::shared_identity(kind, value.as_str())) } else { Ok(()) }
    }

    /// The kind of the key. Settings with different names are of different kinds.
    pub(crate) fn kind(&self) -> KeyKind<'_> {
        match self {
            Self::Mac(_) => KeyKind::Mac,
            Self::Uuid(_) => KeyKind::Uuid,
            Self::Serial(_) => KeyKind::Serial,
            Self::AssetTag(_) => KeyKind::AssetTag,
            Self::Setting { name, .. } => KeyKind::Setting(name),
            Self::Architecture(_) => KeyKind::Architecture,
        }
    }
}

impl fmt::Display for MachineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(f, "MAC address {mac}"),
            Self::Uuid(uuid) => write!(f, "UUID {uuid}"),
            Self::Serial(serial) => write!(f, "serial number {serial}"),
            Self::AssetTag(tag) => write!(f, "asset tag {tag}"),
            Self::Setting { name, value } => write!(f, "{name} {value}"),
            Self::Architecture(architecture) => write!(f, "architecture {architecture}"),
        }
    }
}

fn check_address(mac: MacAddress) -> Result<(), Error> {
    if is_shared_address(mac) {
        return Err(Error::shared_identity(ValueKind::MacAddress, &mac.to_string()));
    }
    Ok(())
}

/// The kind of a key, ordered by how closely it describes a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum KeyKind<'a> {
    Mac,
    Uuid,
    Serial,
    AssetTag,
    Setting(&'a SettingName),
    Architecture,
}

impl KeyKind<'_> {
    /// The place in the order. Settings of all names have the same place.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Mac => 0,
            Self::Uuid => 1,
            Self::Serial => 2,
            Self::AssetTag => 3,
            Self::Setting(_) => 4,
            Self::Architecture => 5,
        }
    }
}

/// The UUID that the firmware has for one machine. It is displayed like iPXE's `${uuid}`, in lower
/// case.
///
/// UUIDs that vendors leave in place are refused, because many machines share them. Only zeros and
/// only ones mean in SMBIOS that the machine has no UUID (DSP0134, 7.2.1).
///
/// SMBIOS 2.6 and later stores the first three fields of a UUID with the least significant octet
/// first. iPXE (`smbios_fetch` in `src/interface/smbios/smbios_settings.c`) and Linux
/// (`dmi_save_uuid` in `drivers/firmware/dmi_scan.c`) show them in the usual order then. For older
/// firmware, both show the octets as they lie there. Other programs, such as those of a BMC, may
/// show another order. [`octets_swapped`](Self::octets_swapped) is the other form of one UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MachineUuid(Uuid);

impl MachineUuid {
    /// Validates `uuid`.
    ///
    /// # Errors
    /// [`Error::SharedIdentity`] for a UUID that many machines share.
    pub fn new(uuid: Uuid) -> Result<Self, Error> {
        if is_shared_uuid(uuid) {
            return Err(Error::shared_identity(ValueKind::Uuid, &uuid.to_string()));
        }
        Ok(Self(uuid))
    }

    /// The UUID with the octets of its first three fields in the other order.
    #[must_use]
    pub fn octets_swapped(self) -> Self {
        Self(swapped(self.0))
    }

    /// The UUID.
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// The last of its 16 octets.
    pub(crate) fn last_octet(self) -> u8 {
        self.0.as_bytes()[15]
    }
}

impl fmt::Display for MachineUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl FromStr for MachineUuid {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let expected = "32 hexadecimal digits in groups of 8, 4, 4, 4 and 12";
        let malformed = |_| {
            let problem = TextProblem::Malformed { expected };
            Error::invalid_key(ValueKind::Uuid, text, problem)
        };
        Uuid::try_parse(text).map_err(malformed).and_then(Self::new)
    }
}

netboot_core::text_conversions!(MachineUuid, Error);

impl From<MachineUuid> for String {
    fn from(uuid: MachineUuid) -> Self {
        uuid.to_string()
    }
}
