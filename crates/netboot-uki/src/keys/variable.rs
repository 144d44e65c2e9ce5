//! The variables of firmware that hold the keys of Secure Boot.

use std::fmt;

use uuid::{Uuid, uuid};

/// A variable of the firmware with certificates (UEFI Specification 2.10, section 32.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecureBootVariable {
    /// `PK`: the owner of the machine, who may change `KEK`. There is one. Firmware without it is
    /// in setup mode, and takes keys from everybody.
    PlatformKey,
    /// `KEK`: those who may change `db`.
    KeyExchangeKeys,
    /// `db`: those whose programs the firmware starts.
    Signatures,
}

impl SecureBootVariable {
    /// All variables, in the order in which firmware in setup mode should be given them: the
    /// platform key ends this mode.
    pub const ALL: [Self; 3] = [Self::Signatures, Self::KeyExchangeKeys, Self::PlatformKey];

    /// The name of the variable: `PK`, `KEK` or `db`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlatformKey => "PK",
            Self::KeyExchangeKeys => "KEK",
            Self::Signatures => "db",
        }
    }

    /// The vendor of the variable, which is a part of its name: `EFI_GLOBAL_VARIABLE` or
    /// `EFI_IMAGE_SECURITY_DATABASE_GUID`.
    pub fn vendor(self) -> Uuid {
        match self {
            Self::PlatformKey | Self::KeyExchangeKeys => {
                uuid!("8be4df61-93ca-11d2-aa0d-00e098032b8c")
            }
            Self::Signatures => uuid!("d719b2cb-3d3a-4596-a3bc-dad00e67656f"),
        }
    }
}

impl fmt::Display for SecureBootVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
