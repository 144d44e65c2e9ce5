//! The directory that a TFTP server serves.

use netboot_core::validated_text;

use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::error::Error;

/// The directory that dnsmasq serves by TFTP: an absolute path such as `/srv/tftp`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TftpRoot(String);

validated_text!(TftpRoot, Error, |text: &str| {
    check(text).map_err(|problem| Error::dhcp_setting(DhcpSetting::TftpRoot, text, problem))
});

fn check(text: &str) -> Result<(), DhcpProblem> {
    let expected = "an absolute path without empty, `.` or `..` parts";
    let parts = text.strip_prefix('/').ok_or(DhcpProblem::Malformed { expected })?;
    if text.len() > 512 {
        return Err(DhcpProblem::TooLong { length: text.len(), limit: 512 });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/');
    if let Some(character) = text.chars().find(|c| !allowed(*c)) {
        return Err(DhcpProblem::ForbiddenCharacter { character });
    }
    if parts.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(DhcpProblem::Malformed { expected });
    }
    Ok(())
}
