//! The name of a network interface.

use netboot_core::validated_text;

use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::error::Error;

/// The largest length of the name of a network interface, in bytes (`IFNAMSIZ` in Linux's
/// `linux/if.h`, without its NUL).
const LIMIT: usize = 15;

/// The name of the network interface that a DHCP server listens on, such as `eno1`.
///
/// Linux allows almost any byte in such a name. Characters with a meaning in configuration files,
/// such as `*` for dnsmasq, are refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(String);

validated_text!(InterfaceName, Error, |text: &str| {
    check(text).map_err(|problem| Error::dhcp_setting(DhcpSetting::InterfaceName, text, problem))
});

fn check(text: &str) -> Result<(), DhcpProblem> {
    if text.is_empty() {
        return Err(DhcpProblem::Empty);
    }
    if text.len() > LIMIT {
        return Err(DhcpProblem::TooLong { length: text.len(), limit: LIMIT });
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(DhcpProblem::Malformed { expected: "a letter or digit at its start" });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match text.chars().find(|c| !allowed(*c)) {
        Some(character) => Err(DhcpProblem::ForbiddenCharacter { character }),
        None => Ok(()),
    }
}
