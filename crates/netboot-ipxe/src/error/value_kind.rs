//! The kinds of values in error messages.

use std::fmt;

/// The kind of a value in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueKind {
    /// A [`MenuText`](crate::MenuText), such as a profile's title.
    MenuText,
    /// A parameter on a kernel's command line.
    KernelParameter,
    /// A [`ScriptUrl`](crate::ScriptUrl).
    Url,
    /// A [`MachineName`](crate::MachineName).
    MachineName,
    /// A [`MacAddress`](netboot_core::MacAddress).
    MacAddress,
    /// A [`MachineUuid`](crate::MachineUuid).
    Uuid,
    /// A [`SerialNumber`](crate::SerialNumber).
    SerialNumber,
    /// An [`AssetTag`](crate::AssetTag).
    AssetTag,
    /// A [`SettingName`](crate::SettingName).
    SettingName,
    /// A [`SettingValue`](crate::SettingValue).
    SettingValue,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MenuText => "menu text",
            Self::KernelParameter => "kernel parameter",
            Self::Url => "URL",
            Self::MachineName => "machine name",
            Self::MacAddress => "MAC address",
            Self::Uuid => "UUID",
            Self::SerialNumber => "serial number",
            Self::AssetTag => "asset tag",
            Self::SettingName => "setting name",
            Self::SettingValue => "setting value",
        })
    }
}
