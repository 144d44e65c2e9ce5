//! The settings that iPXE knows by name, with their types and DHCP options (each `__setting` in
//! iPXE's source).

use crate::dialect::Version;
use crate::settings::setting_type::SettingType;

/// A setting that iPXE knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Predefined {
    pub(crate) name: &'static str,
    /// The DHCP option, or 0. An option within option 175 is `175 << 8 | number`.
    pub(crate) tag: u64,
    pub(crate) setting_type: SettingType,
    pub(crate) since: Version,
}

const INT8: SettingType = SettingType::Integer { bytes: 1, signed: true };
const INT16: SettingType = SettingType::Integer { bytes: 2, signed: true };
const INT32: SettingType = SettingType::Integer { bytes: 4, signed: true };
const UINT8: SettingType = SettingType::Integer { bytes: 1, signed: false };
const UINT32: SettingType = SettingType::Integer { bytes: 4, signed: false };

const fn option(name: &'static str, tag: u64, setting_type: SettingType) -> Predefined {
    Predefined { name, tag, setting_type, since: Version::V2019 }
}

/// An option within option 175, which belongs to iPXE.
const fn own(name: &'static str, tag: u64, setting_type: SettingType) -> Predefined {
    option(name, (175 << 8) | tag, setting_type)
}

const fn plain(name: &'static str, setting_type: SettingType) -> Predefined {
    option(name, 0, setting_type)
}

const fn later(setting: Predefined) -> Predefined {
    Predefined { since: Version::V1_21, ..setting }
}

/// All of them, except those of wireless networks, virtual machines and file systems.
const SETTINGS: [Predefined; 66] = [
    plain("active-scan", INT8),
    plain("asset", SettingType::String),
    plain("board-serial", SettingType::String),
    plain("buildarch", SettingType::String),
    plain("busid", SettingType::Hex),
    plain("busloc", UINT32),
    plain("bustype", SettingType::String),
    own("cert", 0x5b, SettingType::Hex),
    plain("chip", SettingType::String),
    plain("cpumodel", SettingType::String),
    plain("cpuvendor", SettingType::String),
    own("crosscert", 0x5d, SettingType::String),
    later(plain("cwduri", SettingType::String)),
    later(plain("cwuri", SettingType::String)),
    option("dhcp-server", 54, SettingType::Ipv4),
    option("dns", 6, SettingType::Ipv4),
    plain("dns6", SettingType::Ipv6),
    option("domain", 15, SettingType::String),
    plain("errno", UINT32),
    option("filename", 67, SettingType::String),
    option("gateway", 3, SettingType::Ipv4),
    plain("gateway6", SettingType::Ipv6),
    own("gid", 0xc3, UINT32),
    option("hostname", 12, SettingType::String),
    plain("hwaddr", SettingType::Hex),
    plain("ifname", SettingType::String),
    option("initiator-iqn", 203, SettingType::String),
    own("ip", 2, SettingType::Ipv4),
    plain("ip6", SettingType::Ipv6),
    own("keep-san", 8, INT8),
    plain("key", SettingType::String),
    later(plain("keymap", SettingType::String)),
    plain("len6", INT8),
    later(plain("linktype", SettingType::String)),
    plain("mac", SettingType::Hex),
    plain("manufacturer", SettingType::String),
    plain("memsize", INT32),
    option("mtu", 26, INT16),
    option("netmask", 1, SettingType::Ipv4),
    own("next-server", 3, SettingType::Ipv4),
    later(option("ntp", 42, SettingType::Ipv4)),
    own("password", 0xbf, SettingType::String),
    plain("platform", SettingType::String),
    own("priority", 1, INT8),
    own("privkey", 0x5c, SettingType::Hex),
    plain("product", SettingType::String),
    own("reverse-password", 0xc1, SettingType::String),
    own("reverse-username", 0xc0, SettingType::String),
    option("root-path", 17, SettingType::String),
    own("san-drive", 0xbd, UINT8),
    own("san-filename", 0xbc, SettingType::String),
    own("san-retries", 0xbb, INT8),
    own("scriptlet", 0x51, SettingType::String),
    plain("serial", SettingType::String),
    own("skip-san-boot", 9, INT8),
    plain("ssid", SettingType::String),
    Predefined { since: Version::V2_0, ..option("static-routes", 121, SettingType::Hex) },
    later(plain("sysmac", SettingType::Hex)),
    option("syslog", 7, SettingType::Ipv4),
    own("syslogs", 0x55, SettingType::String),
    own("trust", 0x5a, SettingType::Hex),
    own("uid", 0xc2, UINT32),
    plain("unixtime", UINT32),
    own("username", 0xbe, SettingType::String),
    plain("uuid", SettingType::Uuid),
    plain("version", SettingType::String),
];

/// Finds the setting of this name or with this tag.
pub(crate) fn find(name: &[u8], tag: u64, version: Version) -> Option<&'static Predefined> {
    SETTINGS
        .iter()
        .filter(|setting| setting.since <= version)
        .find(|setting| setting.name.as_bytes() == name || (tag != 0 && setting.tag == tag))
}

/// The names of all settings that a version knows.
pub(crate) fn names(version: Version) -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter(move |setting| setting.since <= version).map(|setting| setting.name)
}
