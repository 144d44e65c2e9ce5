use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use super::BootFilePath;
use super::boot_file_path::BOOT_FILE_LIMIT;
use super::problem::{DhcpProblem, DhcpSetting, refuse};
use crate::{Error, ScriptUrl};

/// A URL that DHCP hands out as the boot file name: of a script for iPXE, or of an iPXE binary for
/// firmware that boots by HTTP.
///
/// It keeps the rules of [`ScriptUrl::absolute`], has at most 127 bytes, which is what the
/// answer's `file` field takes (RFC 2131, section 2), and none of the characters that separate or
/// quote in the configuration of a DHCP server. A literal `${…}`, which iPXE would expand
/// (its `src/usr/autoboot.c`), is percent-encoded.
///
/// ```
/// use netboot_ipxe::dhcp::BootUrl;
///
/// let url: BootUrl = "http://10.0.0.1/boot.ipxe".parse()?;
/// assert_eq!(url.as_str(), "http://10.0.0.1/boot.ipxe");
/// assert!("http://localhost/boot.ipxe".parse::<BootUrl>().is_err()); // the machine itself
/// # Ok::<(), netboot_ipxe::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootUrl(String);

impl BootUrl {
    /// Validates `url`; its fragment is dropped.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] and [`Error::Unprintable`].
    pub fn new(url: &Url) -> Result<Self, Error> {
        let refused = |problem| Err(refuse(DhcpSetting::BootUrl, redacted(url), problem));
        if !matches!(url.scheme(), "http" | "https" | "tftp") {
            return refused(DhcpProblem::Malformed { expected: "an http, https or tftp URL" });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused(DhcpProblem::Credentials);
        }
        if !is_reachable(url) {
            return refused(DhcpProblem::Unreachable);
        }
        let text = ScriptUrl::absolute(url)?.as_str().to_owned();
        if let Some(character) = text.chars().find(|c| *c == ',') {
            return refused(DhcpProblem::ForbiddenCharacter { character });
        }
        if text.len() > BOOT_FILE_LIMIT {
            let (length, limit) = (text.len(), BOOT_FILE_LIMIT);
            return refused(DhcpProblem::TooLong { length, limit });
        }
        Ok(Self(text))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of a file below this one, which is a directory's.
    pub(super) fn join(&self, path: &BootFilePath) -> Result<Self, Error> {
        format!("{}/{path}", self.0.trim_end_matches('/')).parse()
    }
}

/// Whether a host other than the machine itself is meant.
fn is_reachable(url: &Url) -> bool {
    match url.host() {
        None => false,
        Some(Host::Ipv4(address)) => !address.is_loopback() && !address.is_unspecified(),
        Some(Host::Ipv6(address)) => !address.is_loopback() && !address.is_unspecified(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            !name.is_empty() && !name.eq_ignore_ascii_case("localhost") && !name.starts_with("127.")
        }
    }
}

/// The URL without its password, for an error.
fn redacted(url: &Url) -> String {
    let mut url = url.clone();
    // Only a URL that can have no password refuses to have none.
    let _ = url.set_password(None);
    url.into()
}

impl FromStr for BootUrl {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|_| {
            refuse(DhcpSetting::BootUrl, text, DhcpProblem::Malformed { expected: "a URL" })
        })?;
        Self::new(&url)
    }
}

impl fmt::Display for BootUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
