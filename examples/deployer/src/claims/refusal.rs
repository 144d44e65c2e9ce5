//! The reasons why nobody may say where a machine is.

use std::net::IpAddr;

use netboot_core::MacAddress;
use serde::{Deserialize, Serialize};

/// The reason why an install plan names no address. A plan formats disks, so it never guesses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Refusal {
    /// No answer of this service is known.
    #[error("the address of `{machine}` is not known: it has not booted from this service")]
    NeverBooted {
        /// The machine.
        machine: String,
    },
    /// Its latest boot has not reached `init`.
    #[error(
        "`{machine}` asked for its script from {asked_from} and has not reported its init since"
    )]
    NotUp {
        /// The machine.
        machine: String,
        /// The address that asked.
        asked_from: IpAddr,
    },
    /// Requests in its name came from two addresses. Either its address changed, or somebody else
    /// uses its name.
    #[error("`{machine}` was seen at {first} and at {second}")]
    TwoAddresses {
        /// The machine.
        machine: String,
        /// The address that was first.
        first: IpAddr,
        /// The other address.
        second: IpAddr,
    },
    /// Another machine asked from its address after it.
    #[error(
        "the address {address} of `{machine}` belongs to `{other}` now, which asked from there"
    )]
    AddressTaken {
        /// The machine.
        machine: String,
        /// The address.
        address: IpAddr,
        /// The machine that asked after it.
        other: String,
    },
    /// Two machines use one address at the same time, for example behind a NAT.
    #[error("`{machine}` and `{other}` both boot from {address}")]
    SharedAddress {
        /// The machine.
        machine: String,
        /// The address.
        address: IpAddr,
        /// The other machine.
        other: String,
    },
    /// Another machine asked with its network card after it.
    #[error("the network card {card} of `{machine}` belongs to `{other}` now, which asked with it")]
    CardTaken {
        /// The machine.
        machine: String,
        /// The network card.
        card: MacAddress,
        /// The machine that asked after it.
        other: String,
    },
    /// The configuration says that another machine has this address.
    #[error("`{machine}` booted from {address}, which the configuration gives to `{other}`")]
    ConfiguredForAnother {
        /// The machine.
        machine: String,
        /// The address.
        address: IpAddr,
        /// The machine of the configuration.
        other: String,
    },
    /// The address is one of the computer on which this service runs.
    #[error("`{machine}` booted from {address}, which is an address of this computer itself")]
    OwnAddress {
        /// The machine.
        machine: String,
        /// The address.
        address: IpAddr,
    },
    /// The record of the machine was damaged.
    #[error("the record of where `{machine}` booted is damaged")]
    Damaged {
        /// The machine.
        machine: String,
    },
}

impl Refusal {
    /// A remedy.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NeverBooted { .. } => {
                "boot the machine from this service and wait until it reports the stage init, or \
                 set its address in the configuration"
                    .to_owned()
            }
            Self::NotUp { .. } => {
                "wait until it reports the stage init, or set its address in the configuration"
                    .to_owned()
            }
            Self::OwnAddress { .. } => {
                "set the machine's address in the configuration: a machine behind a proxy or a NAT \
                 on this computer cannot be told from the computer"
                    .to_owned()
            }
            Self::ConfiguredForAnother { .. } => {
                "correct the address in the configuration, or give the machines different addresses"
                    .to_owned()
            }
            Self::AddressTaken { machine, .. } => {
                format!("boot `{machine}` again, or set its address in the configuration")
            }
            Self::TwoAddresses { machine, .. }
            | Self::SharedAddress { machine, .. }
            | Self::CardTaken { machine, .. }
            | Self::Damaged { machine } => format!(
                "read the address on the machine's console, and set it in the configuration; or \
                 forget what is known with DELETE /api/machines/{machine}/claim and boot it again"
            ),
        }
    }
}
