//! The machines: how each is recognised, and what it boots.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netboot_core::{KernelParameter, MacAddress, ProfileName};
use netboot_ipxe::{
    AssetTag, Assignment, Fleet, MachineKey, MachineName, MachineUuid, Selector, SerialNumber,
    UnknownMachine,
};
use serde::Deserialize;

use super::error::Problem;

/// A machine of the file.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// The node's name.
    pub(crate) name: MachineName,
    /// The keys by which the machine is recognised.
    pub(crate) selector: Selector,
    /// The profile that it boots.
    pub(crate) profile: ProfileName,
    /// Notes of the operator.
    pub(crate) labels: BTreeMap<String, String>,
    /// The host name or IP address at which nixos-anywhere reaches it, if the file has it.
    pub(crate) address: Option<String>,
}

/// The section `[machines]`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct MachinesSection {
    #[serde(default)]
    unknown: Unknown,
    #[serde(default)]
    known: Vec<KnownMachine>,
}

/// The image that machines that are not in the file boot.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Unknown {
    /// The default, so that a service boots unknown machines only if it is told to.
    #[default]
    Refuse,
    Menu,
    LocalDisk,
    Profile(ProfileName),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KnownMachine {
    name: MachineName,
    r#match: Match,
    profile: ProfileName,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    kernel_parameters: Vec<KernelParameter>,
    address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Match {
    mac: Option<MacAddress>,
    uuid: Option<MachineUuid>,
    serial: Option<SerialNumber>,
    asset_tag: Option<AssetTag>,
}

impl Match {
    fn selector(self) -> Result<Selector, netboot_ipxe::Error> {
        let keys = [
            self.mac.map(MachineKey::Mac),
            self.uuid.map(MachineKey::Uuid),
            self.serial.map(MachineKey::Serial),
            self.asset_tag.map(MachineKey::AssetTag),
        ];
        Selector::new(keys.into_iter().flatten())
    }
}

impl MachinesSection {
    /// The machines, and the fleet that the library renders. `has_profile` returns true for
    /// profiles that can be built.
    pub(super) fn check(
        self,
        has_profile: impl Fn(&ProfileName) -> bool,
    ) -> Result<(BTreeMap<String, Machine>, Fleet), Problem> {
        let known_profile = |key: &str, profile: &ProfileName| {
            has_profile(profile).then_some(()).ok_or_else(|| {
                let hint = "name one of the [[profiles]], or remove that section to use PlasmaCloud's \
                            control-plane, worker and all-in-one";
                Problem::new(key, format!("there is no profile `{profile}`"), hint)
            })
        };
        let unknown = match self.unknown {
            Unknown::Refuse => UnknownMachine::Refuse,
            Unknown::Menu => UnknownMachine::Menu,
            Unknown::LocalDisk => UnknownMachine::LocalDisk,
            Unknown::Profile(profile) => {
                known_profile("machines.unknown", &profile)?;
                UnknownMachine::Profile(profile)
            }
        };
        let mut fleet = Fleet::builder(unknown);
        let mut machines = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        for known in self.known {
            let key = format!("machines.known `{}`", known.name);
            let of = |error: netboot_ipxe::Error| Problem::of(&key, &error, error.hint());
            let name = known.name;
            let selector = known.r#match.selector().map_err(of)?;
            known_profile(&key, &known.profile)?;
            if let Some(address) = &known.address {
                check_address(&key, address)?;
                if let Some(other) = addresses.insert(address.to_lowercase(), name.clone()) {
                    let problem = format!("`{address}` is also the address of `{other}`");
                    let hint = "give each machine its own address: its disks are formatted there";
                    return Err(Problem::new(format!("{key} address"), problem, hint));
                }
            }
            let mut assignment = Assignment::new(name.clone(), known.profile.clone())
                .map_err(of)?
                .with_selector(selector.clone());
            for parameter in known.kernel_parameters {
                Ok(assignment) = assignment.with_kernel_parameter(parameter);
            }
            fleet = fleet.assignment(assignment);
            let (profile, labels, address) = (known.profile, known.labels, known.address);
            let machine = Machine { name: name.clone(), selector, profile, labels, address };
            machines.insert(name.as_str().to_owned(), machine);
        }
        // This finds two machines with one name or one key.
        let of = |error: netboot_ipxe::Error| Problem::of("machines.known", &error, error.hint());
        Ok((machines, fleet.build().map_err(of)?))
    }
}

/// An address becomes an argument of ssh, so ssh must not read it as an option.
fn check_address(key: &str, address: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let is_name = address.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !(is_name && address.chars().all(allowed)) && address.parse::<IpAddr>().is_err() {
        let problem = format!("`{address}` is neither a host name nor an IP address");
        return Err(Problem::new(
            format!("{key} address"),
            problem,
            "write an address such as 10.0.0.11",
        ));
    }
    Ok(())
}
