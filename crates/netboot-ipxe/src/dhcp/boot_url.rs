//! The URLs that a DHCP server gives to machines.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use url::{Host, Url};

use crate::dhcp::boot_file_path::BOOT_FILE_LIMIT;
use crate::dhcp::boot_file_path::BootFilePath;
use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::error::Error;
use crate::script_url::ScriptUrl;
use crate::script_url::without_password;

/// A URL that DHCP gives to machines as the boot file name: the URL of a script for iPXE, or of an
/// iPXE binary for firmware that boots by HTTP.
///
/// It follows the rules of [`ScriptUrl::absolute`]. It has at most 127 bytes, because the `file`
/// field of the answer has no more (RFC 2131, section 2), and no characters that separate or quote
/// in the configuration of a DHCP server. A literal `${…}`, which iPXE would expand
/// (`src/usr/autoboot.c`), is percent-encoded.
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
    /// Validates `url` and drops its fragment.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] and [`Error::Unprintable`].
    pub fn new(url: &Url) -> Result<Self, Error> {
        let refused = |problem| {
            Err(Error::dhcp_setting(DhcpSetting::BootUrl, without_password(url), problem))
        };
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

    /// The URL of a file below this URL, which is a directory.
    pub(super) fn join(&self, path: &BootFilePath) -> Result<Self, Error> {
        if self.0.contains('?') {
            let problem = DhcpProblem::Malformed { expected: "a directory's URL without a query" };
            return Err(Error::dhcp_setting(DhcpSetting::BootUrl, self, problem));
        }
        format!("{}/{path}", self.0.trim_end_matches('/')).parse()
    }
}

/// Returns true if the URL has a host other than the machine itself.
fn is_reachable(url: &Url) -> bool {
    match url.host() {
        None => false,
        Some(Host::Ipv4(address)) => is_of_another_host(address),
        Some(Host::Ipv6(address)) => !address.is_loopback() && !address.is_unspecified(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            // `url` does not read an address if it does not know the scheme.
            let is_other =
                name.parse().map_or_else(|_| !name.starts_with("127."), is_of_another_host);
            !name.is_empty() && !name.eq_ignore_ascii_case("localhost") && is_other
        }
    }
}

/// Returns true if the address may belong to one host other than the machine itself.
pub(super) fn is_of_another_host(address: Ipv4Addr) -> bool {
    !(address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_broadcast())
}

netboot_core::text_conversions!(BootUrl, Error);

impl FromStr for BootUrl {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|_| {
            // The text before an `@` may be a password, even if the rest is not a URL.
            let shown = text.rsplit('@').next().unwrap_or_default();
            Error::dhcp_setting(
                DhcpSetting::BootUrl,
                shown,
                DhcpProblem::Malformed { expected: "a URL" },
            )
        })?;
        Self::new(&url)
    }
}

impl fmt::Display for BootUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
