//! The network card that the machine booted from, and its addresses.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use netboot_closure::boot_parameter::CardAddress;
use netboot_closure::console::{Card, ConsoleText, FailureCause, InterfaceName};

/// The time between two looks at the cards.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A network interface of this machine, as `/sys/class/net` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) address: Option<CardAddress>,
    /// True if it is a card, and no bridge, tunnel or loopback.
    pub(crate) is_card: bool,
}

/// Lists the interfaces in a directory such as `/sys/class/net`, in the order of their names.
pub(crate) fn interfaces(directory: &Path) -> Vec<Interface> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut interfaces: Vec<Interface> = entries
        .map(|entry| {
            let address = fs::read_to_string(entry.path().join("address")).unwrap_or_default();
            Interface {
                name: entry.file_name().to_string_lossy().into_owned(),
                address: address.trim_ascii().parse().ok(),
                is_card: entry.path().join("device").exists(),
            }
        })
        .collect();
    interfaces.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    interfaces
}

/// A card with its IP address, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BootedCard {
    pub(crate) card: Option<Card>,
    pub(crate) ip: Option<IpAddr>,
}

/// Looks for the card that the machine booted from. If it is not known, takes the first card with
/// an IP address.
pub(crate) fn find(wanted: Option<CardAddress>, interfaces: &[Interface]) -> BootedCard {
    let candidates = interfaces.iter().filter(|interface| match wanted {
        Some(_) => interface.address == wanted,
        None => interface.is_card,
    });
    let candidates: Vec<BootedCard> = candidates
        .filter_map(|interface| {
            let name = InterfaceName::new(&interface.name);
            let card = Some(Card { interface: name, address: interface.address? });
            Some(BootedCard { card, ip: ip_address(&interface.name) })
        })
        .collect();
    // A bridge or a VLAN has the address of its card, and may have the IP address.
    let with_ip = candidates.iter().find(|candidate| candidate.ip.is_some());
    with_ip.or(candidates.first()).cloned().unwrap_or_default()
}

/// Waits until the card that the machine booted from has an IP address.
///
/// # Errors
/// [`FailureCause::CardMissing`] and [`FailureCause::AddressMissing`], after `patience`.
pub(crate) fn wait_for_address(
    wanted: CardAddress,
    directory: &Path,
    patience: Duration,
) -> Result<(), FailureCause> {
    let start = Instant::now();
    loop {
        let interfaces = interfaces(directory);
        let found = find(Some(wanted), &interfaces);
        if found.ip.is_some() {
            return Ok(());
        }
        if start.elapsed() >= patience {
            return Err(match found.card {
                Some(_) => FailureCause::AddressMissing { seconds: patience.as_secs() },
                None => FailureCause::CardMissing { wanted, interfaces: describe(&interfaces) },
            });
        }
        std::thread::sleep(LOOK_EVERY.min(patience));
    }
}

/// The first IP address of an interface that reaches other machines. Each interface gives itself a
/// link-local address, also without a network.
fn ip_address(name: &str) -> Option<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let own = interfaces.into_iter().filter(|interface| interface.name == name);
    own.map(|interface| interface.ip()).find(|ip| match ip {
        IpAddr::V4(ip) => !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local() && !ip.is_unspecified(),
    })
}

fn describe(interfaces: &[Interface]) -> ConsoleText {
    let described: Vec<String> = interfaces
        .iter()
        .filter(|interface| interface.name != "lo")
        .map(|interface| match interface.address {
            Some(address) => format!("{} ({address})", interface.name),
            None => interface.name.clone(),
        })
        .collect();
    ConsoleText::new(if described.is_empty() { "none".to_owned() } else { described.join(", ") })
}
