use super::problem::{DhcpProblem, DhcpSetting, refuse};
use super::validated_text;

/// The directory that dnsmasq's TFTP server serves, an absolute path such as `/srv/tftp`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TftpRoot(String);

validated_text!(TftpRoot, DhcpSetting::TftpRoot, |text: &str| {
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
});
