//! URLs that stage 1 can fetch from.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::sha256::Sha256;

const SCHEME: &str = "http://";

/// An absolute `http://` URL.
///
/// It has at most 2,048 printable ASCII characters, without spaces and without the characters that
/// RFC 3986 excludes. So it can stand on a kernel command line and in a request. It has no user, no
/// password and no fragment. Its path may have `..`: a script that names files by its own directory
/// writes such URLs.
///
/// ```
/// use netboot_closure::boot_parameter::HttpUrl;
///
/// let url: HttpUrl = "http://[fd00::1]:8080/netboot/releases/r1/../../".parse()?;
/// assert_eq!((url.host(), url.port(), url.authority()), ("fd00::1", 8080, "[fd00::1]:8080"));
/// assert_eq!(url.path(), "/netboot/releases/r1/../../");
/// assert!("https://10.0.0.1/".parse::<HttpUrl>().is_err());
/// # Ok::<(), netboot_closure::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// The greatest length in bytes. It is that of a kernel command line on x86 (`setup.h`).
    pub const LIMIT: usize = 2048;

    /// The host and the port, as the header `Host` has them.
    pub fn authority(&self) -> &str {
        self.split().0
    }

    /// The path and the query. It begins with `/`.
    pub fn path(&self) -> &str {
        self.split().1
    }

    /// The name or the address of the host. An IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        host_and_port(self.authority()).map_or("", |(host, _)| host)
    }

    /// The port. It is 80 if the URL has none.
    pub fn port(&self) -> u16 {
        host_and_port(self.authority()).map_or(80, |(_, port)| port)
    }

    /// Returns the URL of a blob in the target whose root this is. `..` is resolved.
    #[must_use]
    pub fn blob(&self, digest: &Sha256) -> Self {
        let (authority, path) = self.split();
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        let root: String = parts.iter().flat_map(|part| ["/", part]).collect();
        Self(format!("{SCHEME}{authority}{root}/blobs/{digest}"))
    }

    fn split(&self) -> (&str, &str) {
        let rest = &self.0[SCHEME.len()..];
        match rest.find('/') {
            Some(end) => rest.split_at(end),
            None => (rest, "/"),
        }
    }
}

/// Splits an authority without a user. A host in brackets is an IPv6 address.
fn host_and_port(authority: &str) -> Option<(&str, u16)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        rest.split_once(']').filter(|(host, _)| is_ipv6(host))?
    } else {
        let end = authority.find(':').unwrap_or(authority.len());
        authority.split_at_checked(end).filter(|(host, _)| is_name(host))?
    };
    match port.strip_prefix(':') {
        Some(digits) => {
            let port = digits.parse().ok().filter(|port: &u16| port.to_string() == digits)?;
            (port > 0).then_some((host, port))
        }
        None => port.is_empty().then_some((host, 80)),
    }
}

fn is_ipv6(host: &str) -> bool {
    host.parse::<std::net::Ipv6Addr>().is_ok()
}

fn is_name(host: &str) -> bool {
    (1..=255).contains(&host.len())
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

impl FromStr for HttpUrl {
    type Err = Error;

    /// # Errors
    /// [`Error::BootParameter`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
        let url = Self(text.to_owned());
        let is_url = text.len() <= Self::LIMIT
            && text.bytes().all(is_allowed)
            && text.starts_with(SCHEME)
            && host_and_port(url.authority()).is_some();
        if is_url { Ok(url) } else { Err(Error::boot_parameter(text, "an absolute http:// URL")) }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
