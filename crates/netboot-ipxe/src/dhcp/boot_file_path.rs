//! The path of an iPXE binary below the TFTP root.

use netboot_core::validated_text;

use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::error::Error;

/// The largest length of the boot file name in a DHCP answer, in bytes (RFC 2131, section 2: `file`
/// has 128 octets and ends with NUL).
pub(super) const BOOT_FILE_LIMIT: usize = 127;

/// The path of an iPXE binary below the TFTP root, such as `undionly.kpxe` or `efi/ipxe.efi`.
///
/// Its parts are file names of letters, digits, `.`, `_` and `-`, so it cannot leave the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootFilePath(String);

validated_text!(BootFilePath, Error, |text: &str| {
    check(text).map_err(|problem| Error::dhcp_setting(DhcpSetting::BootFilePath, text, problem))
});

fn check(text: &str) -> Result<(), DhcpProblem> {
    if text.is_empty() {
        return Err(DhcpProblem::Empty);
    }
    if text.len() > BOOT_FILE_LIMIT {
        return Err(DhcpProblem::TooLong { length: text.len(), limit: BOOT_FILE_LIMIT });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if let Some(character) = text.chars().find(|c| !allowed(*c)) {
        return Err(DhcpProblem::ForbiddenCharacter { character });
    }
    if text.split('/').all(|part| part.starts_with(|c: char| c.is_ascii_alphanumeric())) {
        Ok(())
    } else {
        Err(DhcpProblem::Malformed {
            expected: "a relative path of parts that start with a letter or digit",
        })
    }
}

impl BootFilePath {
    /// Creates a path that is known to be valid.
    pub(super) fn of(name: &'static str) -> Self {
        Self(name.to_owned())
    }
}
