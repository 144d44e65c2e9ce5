//! The machines with all their data.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netboot_cli::Error;
use netboot_cli::configuration::Configuration;
use netboot_core::{ProfileName, Sha256Digest};
use netboot_ipxe::{MachineName, Selector};

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
    /// The digest of the attestation key of its TPM, if the file has it.
    pub(crate) attestation_key: Option<Sha256Digest>,
}

/// The machines of the file, by name.
pub(super) fn machines(file: &Configuration) -> Result<BTreeMap<String, Machine>, Error> {
    let (mut machines, mut addresses) = (BTreeMap::new(), BTreeMap::new());
    for known in &file.machines.known {
        let (key, name) = (known.key(), &known.name);
        let selector = known.r#match.selector();
        let selector =
            selector.map_err(|error| file.refusal_of(key.as_str(), &error, error.hint()))?;
        if let Some(address) = &known.address {
            let key = format!("{key} address");
            check_address(file, &key, address)?;
            if let Some(other) = addresses.insert(address.to_lowercase(), name.clone()) {
                let problem = format!("`{address}` is also the address of `{other}`");
                let hint = "give each machine its own address: its disks are formatted there";
                return Err(file.refusal(key, problem, hint));
            }
        }
        let machine = Machine {
            name: name.clone(),
            selector,
            profile: known.profile.clone(),
            labels: known.labels.clone(),
            address: known.address.clone(),
            attestation_key: known.attestation_key,
        };
        machines.insert(name.as_str().to_owned(), machine);
    }
    Ok(machines)
}

/// An address becomes an argument of ssh, so ssh must not read it as an option.
fn check_address(file: &Configuration, key: &str, address: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let is_name = address.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !(is_name && address.chars().all(allowed)) && address.parse::<IpAddr>().is_err() {
        let problem = format!("`{address}` is neither a host name nor an IP address");
        return Err(file.refusal(key, problem, "write an address such as 10.0.0.11"));
    }
    Ok(())
}
