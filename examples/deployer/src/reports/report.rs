//! One report of one machine.

use std::net::IpAddr;

use netboot_closure::console::StoreStatus;
use netboot_core::{MacAddress, ProfileName, ReleaseId};
use netboot_ipxe::MachineUuid;
use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// The stage that a machine has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// iPXE has an address and runs the entry script.
    Dhcp,
    /// The machine got the script of its image, of the menu or of its local disk. This service
    /// records this stage itself.
    Script,
    /// It has the kernel.
    Kernel,
    /// It has all initrds and starts the kernel.
    Initrd,
    /// Stage 1 fetches the store of a closure.
    Store,
    /// The system's `init` runs and its network is up.
    Init,
    /// It gave up fetching its image or its store.
    Failed,
    /// It is unknown, or there is no image for it.
    Refused,
}

impl Stage {
    /// Parses the stage that a machine reports. Returns `None` for a stage that only this service
    /// records.
    pub(crate) fn from_machine(text: &str) -> Option<Self> {
        Some(match text {
            "dhcp" => Self::Dhcp,
            "kernel" => Self::Kernel,
            "initrd" => Self::Initrd,
            "store" => Self::Store,
            "init" => Self::Init,
            "failed" => Self::Failed,
            "refused" => Self::Refused,
            _ => return None,
        })
    }

    /// The name of the stage in the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Dhcp => "dhcp",
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::Store => "store",
            Self::Init => "init",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// The machine to which a report belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MachineId {
    /// A machine of the configuration, by its name.
    Known(String),
    /// An unknown machine, by its MAC address or its UUID.
    Unknown(String),
}

/// The report of a machine, or the answer of this service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The time, by this service's clock.
    pub(crate) at: Timestamp,
    /// The stage that it reached.
    pub(crate) stage: Stage,
    /// The IP address from which the report came.
    pub(crate) address: IpAddr,
    /// The network card from which it boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mac: Option<MacAddress>,
    /// Its UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uuid: Option<MachineUuid>,
    /// The profile that it boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<ProfileName>,
    /// The release of its script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<ReleaseId>,
    /// The reason why it got no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The messages of stage 1 since the boot began, if it sent the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<Box<StoreStatus>>,
    /// True if it is an answer of this service, or has the nonce of one. Anybody can send any other
    /// report.
    #[serde(default)]
    pub(crate) verified: bool,
}

impl Report {
    /// Returns true if this service answered a machine with this network card. Only this service
    /// records scripts and reasons; all other reports can come from anybody.
    pub(super) fn is_answer_to(&self, card: MacAddress) -> bool {
        self.mac == Some(card) && (self.stage == Stage::Script || self.reason.is_some())
    }

    /// Returns true if the report is about a boot that stage 1 said something about, and not about
    /// the one before or after it.
    pub(super) fn continues_store(&self) -> bool {
        !matches!(self.stage, Stage::Dhcp | Stage::Script | Stage::Refused | Stage::Init)
    }
}

/// The reports of a machine's latest boot, oldest first. A boot starts with `dhcp`, or with a
/// `script` that does not follow a `dhcp`.
pub(crate) fn latest_boot(reports: &[Report]) -> &[Report] {
    let begins = |index: usize| match reports[index].stage {
        Stage::Dhcp => true,
        Stage::Script | Stage::Refused => index == 0 || reports[index - 1].stage != Stage::Dhcp,
        _ => false,
    };
    let first = (0..reports.len()).rev().find(|index| begins(*index)).unwrap_or(0);
    &reports[first..]
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    pub(crate) fn report(stage: Stage, seconds: u64) -> Report {
        Report {
            at: (UNIX_EPOCH + Duration::from_secs(seconds)).into(),
            stage,
            address: IpAddr::from([10, 0, 0, 7]),
            mac: None,
            uuid: None,
            profile: None,
            release: None,
            reason: None,
            store: None,
            verified: false,
        }
    }

    #[test]
    fn a_boot_begins_with_dhcp_or_with_a_script_of_its_own() {
        use Stage::{Dhcp, Init, Initrd, Kernel, Script};
        let boots = |stages: &[Stage]| -> Vec<Stage> {
            let reports: Vec<Report> = stages.iter().map(|stage| report(*stage, 0)).collect();
            latest_boot(&reports).iter().map(|report| report.stage).collect()
        };
        assert_eq!(boots(&[]), []);
        assert_eq!(boots(&[Kernel, Initrd]), [Kernel, Initrd]);
        assert_eq!(boots(&[Init, Dhcp, Script, Kernel]), [Dhcp, Script, Kernel]);
        assert_eq!(boots(&[Dhcp, Script, Kernel, Script, Kernel]), [Script, Kernel]);
    }

    #[test]
    fn a_report_is_read_as_it_is_written() {
        let report = report(Stage::Init, 1_700_000_000);
        let text = serde_json::to_string(&report).unwrap();
        let expected =
            r#"{"at":"2023-11-14T22:13:20Z","stage":"init","address":"10.0.0.7","verified":false}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        assert_eq!(Stage::from_machine("script"), None);
        assert_eq!(Stage::from_machine("kernel"), Some(Stage::Kernel));
    }
}
