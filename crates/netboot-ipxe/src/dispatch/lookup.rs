//! The way a script finds the assignment of a machine.
//!
//! `goto` expands its argument, so one command finds one label among any number of labels. iPXE has
//! no substrings. But the type `ipv4` shows the first four octets of any setting as decimal numbers
//! (`format_ipv4_setting` in `src/core/settings.c`), and SMBIOS settings take an offset and a
//! length (`src/interface/smbios/smbios_settings.c`). Scripts use these octets to choose a table.

use std::fmt::Write as _;

use crate::dispatch::key::MachineKey;

/// The kinds of keys that one `goto` finds, in the order in which scripts look for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Identity {
    Mac,
    Uuid,
    Serial,
    AssetTag,
}

impl Identity {
    pub(crate) const ALL: [Self; 4] = [Self::Mac, Self::Uuid, Self::Serial, Self::AssetTag];

    /// The identity of a key, if it has one.
    pub(crate) fn of(key: &MachineKey) -> Option<Self> {
        Some(match key {
            MachineKey::Mac(_) => Self::Mac,
            MachineKey::Uuid(_) => Self::Uuid,
            MachineKey::Serial(_) => Self::Serial,
            MachineKey::AssetTag(_) => Self::AssetTag,
            MachineKey::Setting { .. } | MachineKey::Architecture(_) => return None,
        })
    }

    /// The prefix of labels of this kind.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Uuid => "uuid",
            Self::Serial => "serial",
            Self::AssetTag => "asset",
        }
    }

    /// The expansion that gives the value on a machine.
    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::Mac => "${netX/mac:hexhyp}",
            Self::Uuid => "${uuid}",
            Self::Serial => "${serial:hexraw}",
            Self::AssetTag => "${asset:hexraw}",
        }
    }

    /// The expansion that gives the part of the value by which a script chooses a table.
    pub(crate) fn share(self) -> &'static str {
        match self {
            Self::Mac => "${netX/mac:ipv4}",
            // The last octet of the UUID: the first octets may come in either order, and vary less.
            Self::Uuid => "${smbios/1.23.1:hexraw}",
            Self::Serial => "${serial:ipv4}",
            Self::AssetTag => "${asset:ipv4}",
        }
    }
}

/// The value of a key, to which [`Identity::value`] expands on its machine.
pub(crate) fn value_of(key: &MachineKey) -> String {
    match key {
        MachineKey::Mac(mac) => mac.separated_by("-"),
        MachineKey::Uuid(uuid) => uuid.to_string(),
        MachineKey::Serial(serial) => hexadecimal(serial.as_str()),
        MachineKey::AssetTag(tag) => hexadecimal(tag.as_str()),
        MachineKey::Setting { value, .. } => value.to_string(),
        MachineKey::Architecture(architecture) => architecture.to_string(),
    }
}

/// The part of a key's value to which [`Identity::share`] expands on its machine.
pub(crate) fn share_of(key: &MachineKey) -> String {
    match key {
        MachineKey::Mac(mac) => first_four(&mac.octets()),
        MachineKey::Uuid(uuid) => format!("{:02x}", uuid.last_octet()),
        MachineKey::Serial(serial) => first_four(serial.as_str().as_bytes()),
        MachineKey::AssetTag(tag) => first_four(tag.as_str().as_bytes()),
        MachineKey::Setting { .. } | MachineKey::Architecture(_) => String::new(),
    }
}

/// The first four octets as an IPv4 address. As with iPXE, it is empty if there are fewer.
fn first_four(octets: &[u8]) -> String {
    match octets {
        [a, b, c, d, ..] => format!("{a}.{b}.{c}.{d}"),
        _ => String::new(),
    }
}

/// The command that succeeds on machines with the key.
pub(crate) fn test(key: &MachineKey) -> String {
    match key {
        MachineKey::Setting { name, value } if is_plain(value.as_str()) => {
            format!("iseq ${{{name}}} {value}")
        }
        // A value that iPXE would split or truncate is compared as hexadecimal digits.
        MachineKey::Setting { name, value } => format!(
            "set netboot-wanted:hexraw {} && iseq -- ${{{name}}} ${{netboot-wanted:string}}",
            hexadecimal(value.as_str())
        ),
        MachineKey::Architecture(architecture) => {
            format!("iseq ${{netboot-architecture}} {architecture}")
        }
        key => {
            let value = Identity::of(key).map_or("", Identity::value);
            format!("iseq {value} {}", value_of(key))
        }
    }
}

/// Returns true if a value is one word without a special meaning for iPXE.
fn is_plain(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '-');
    value.chars().all(plain) && !value.starts_with('-')
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
