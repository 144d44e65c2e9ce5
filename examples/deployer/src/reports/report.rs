//! One report of one machine.

use std::net::IpAddr;

use netboot_core::{MacAddress, ProfileName, ReleaseId};
use netboot_ipxe::MachineUuid;
use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// How far a machine came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// iPXE has an address, and runs the entry.
    Dhcp,
    /// This service gave it the script of its image, of the menu, or of its local disk: the
    /// service knows that by itself.
    Script,
    /// It has the kernel.
    Kernel,
    /// It has all initrds, and starts the kernel.
    Initrd,
    /// The system's own `init` runs, and the network is up in it.
    Init,
    /// It gave up fetching its image.
    Failed,
    /// It is not known, or there is nothing that it could boot.
    Refused,
}

impl Stage {
    /// The stage that a machine names; none that only this service can know.
    pub(crate) fn from_machine(text: &str) -> Option<Self> {
        Some(match text {
            "dhcp" => Self::Dhcp,
            "kernel" => Self::Kernel,
            "initrd" => Self::Initrd,
            "init" => Self::Init,
            "failed" => Self::Failed,
            "refused" => Self::Refused,
            _ => return None,
        })
    }

    /// Its name, as in the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Dhcp => "dhcp",
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::Init => "init",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// Whose a report is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MachineId {
    /// A machine of the configuration, by its name.
    Known(String),
    /// Another one, by its card's address or its UUID.
    Unknown(String),
}

/// What a machine told, or what this service did for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// When, by this service's clock.
    pub(crate) at: Timestamp,
    /// How far it came.
    pub(crate) stage: Stage,
    /// Where it spoke from.
    pub(crate) address: IpAddr,
    /// The card that it boots from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mac: Option<MacAddress>,
    /// Its UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uuid: Option<MachineUuid>,
    /// What it boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<ProfileName>,
    /// The release that its script is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<ReleaseId>,
    /// Why it got no image: it was refused, or it is to have another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Report {
    /// Whether it is what this service answered a machine with this card: scripts are given by it
    /// alone, and reasons too. All else is what somebody said.
    pub(super) fn is_answer_to(&self, card: MacAddress) -> bool {
        self.mac == Some(card) && (self.stage == Stage::Script || self.reason.is_some())
    }
}

/// The reports of a machine's latest boot, oldest first: from the last `dhcp` on, or from the last
/// `script` that nothing but a `dhcp` came before.
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
        let expected = r#"{"at":"2023-11-14T22:13:20Z","stage":"init","address":"10.0.0.7"}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        assert_eq!(Stage::from_machine("script"), None);
        assert_eq!(Stage::from_machine("kernel"), Some(Stage::Kernel));
    }
}
