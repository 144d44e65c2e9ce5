//! URLs as a guest sees them.

use std::fmt;

use url::{Host, Url};

use crate::network_access::NetworkAccess;

/// The address at which a guest reaches the host's loopback interface in QEMU's user-mode network
/// (QEMU manual, "Using the user mode network stack").
pub(crate) const HOST_ADDRESS: &str = "10.0.2.2";

/// The address at which a guest in an isolated network reaches its web server. It is in QEMU's
/// network, and is none of the addresses that QEMU uses itself.
pub(crate) const FORWARDED_ADDRESS: &str = "10.0.2.100";

/// The maximum length of the boot file name in a DHCP answer without overload, in bytes (RFC 2131,
/// section 2: `file` has 128 octets, NUL-terminated). QEMU silently cuts a longer name.
const BOOT_FILE_LIMIT: usize = 127;

/// The reason why a guest cannot boot a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlProblem {
    /// The scheme is not `http`, `https` or `tftp`.
    Scheme,
    /// The URL has no host.
    NoHost,
    /// The URL contains a user name or a password, which the console and the process list would
    /// show.
    Credentials,
    /// The host is an unspecified address, or the IPv6 loopback address in the unrestricted
    /// network. A guest cannot reach it.
    Unreachable,
    /// The scheme is not `http`. Only this scheme works in the isolated network.
    NotForwarded,
    /// The scheme is not `http`. UEFI firmware trusts no certificate that it was not given.
    NotForFirmware,
    /// The path does not end in `.efi`. By this, UEFI firmware knows a program.
    NoProgramName,
}

impl fmt::Display for UrlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "its scheme is not http, https or tftp",
            Self::NoHost => "it has no host",
            Self::Credentials => "it contains credentials",
            Self::Unreachable => "a guest cannot reach its host",
            Self::NotForwarded => "its scheme is not http, and the machine is isolated",
            Self::NotForFirmware => "its scheme is not http, and the firmware fetches it",
            Self::NoProgramName => "its path does not end in .efi, and the firmware fetches it",
        })
    }
}

impl UrlProblem {
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Scheme | Self::NoHost => {
                "give the http URL of an iPXE script, such as http://127.0.0.1:8080/boot.ipxe; \
                 DirectoryServer serves the files of a directory at such URLs"
            }
            Self::Credentials => {
                "serve the files to the test machine without authentication: the console and the \
                 process list would show the credentials"
            }
            Self::Unreachable => "serve the files on 127.0.0.1, which the guest can reach",
            Self::NotForFirmware => "serve the program over plain http",
            Self::NoProgramName => {
                "serve the program under a name that ends in `.efi`: the firmware refuses others"
            }
            Self::NotForwarded => {
                "serve the file over plain http, or give the machine NetworkAccess::Unrestricted"
            }
        }
    }
}

/// A URL that a guest can fetch. Addresses are translated, and it contains nothing that iPXE would
/// expand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuestUrl {
    text: String,
    /// The host and the port to which the isolated network forwards connections, and which the
    /// guest sees as [`FORWARDED_ADDRESS`] and the same port.
    forwarded: Option<(String, u16)>,
}

impl GuestUrl {
    pub(crate) fn new(url: &Url, access: NetworkAccess) -> Result<Self, UrlProblem> {
        if !matches!(url.scheme(), "http" | "https" | "tftp") {
            return Err(UrlProblem::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlProblem::Credentials);
        }
        let loopback = match url.host() {
            None => return Err(UrlProblem::NoHost),
            // In schemes that are not special in the URL standard, an address is a domain.
            Some(Host::Domain(name)) => {
                name.eq_ignore_ascii_case("localhost")
                    || name.parse().is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback())
            }
            Some(Host::Ipv4(address)) if address.is_unspecified() => {
                return Err(UrlProblem::Unreachable);
            }
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address))
                if address.is_unspecified()
                    || address.is_loopback() && access == NetworkAccess::Unrestricted =>
            {
                return Err(UrlProblem::Unreachable);
            }
            Some(Host::Ipv6(_)) => false,
        };
        let mut guest = url.clone();
        guest.set_fragment(None);
        let (address, forwarded) = match access {
            NetworkAccess::Unrestricted => (loopback.then_some(HOST_ADDRESS), None),
            NetworkAccess::WebServer if url.scheme() != "http" => {
                return Err(UrlProblem::NotForwarded);
            }
            NetworkAccess::WebServer => {
                let host = url.host_str().ok_or(UrlProblem::NoHost)?;
                let host = host.trim_matches(['[', ']']).to_owned();
                let port = url.port_or_known_default().ok_or(UrlProblem::NoHost)?;
                (Some(FORWARDED_ADDRESS), Some((host, port)))
            }
        };
        if address.is_some() && guest.set_host(address).is_err() {
            return Err(UrlProblem::Unreachable);
        }
        // iPXE expands `${…}` in boot file names and in scripts.
        let text = guest.as_str().replace('{', "%7B").replace('}', "%7D");
        Ok(Self { text, forwarded })
    }

    /// The URL of a program that UEFI firmware fetches.
    pub(crate) fn of_program(url: &Url, access: NetworkAccess) -> Result<Self, UrlProblem> {
        if matches!(url.scheme(), "https" | "tftp") {
            return Err(UrlProblem::NotForFirmware);
        }
        // EDK II's `HttpBootCheckImageType` in `NetworkPkg/HttpBootDxe/HttpBootSupport.c`.
        if !matches!(url.path().rsplit_once('.'), Some((_, "efi"))) {
            return Err(UrlProblem::NoProgramName);
        }
        Self::new(url, access)
    }

    /// Returns the host and the port of the server to which the isolated network forwards.
    pub(crate) fn forwarded(&self) -> Option<(&str, u16)> {
        self.forwarded.as_ref().map(|(host, port)| (host.as_str(), *port))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns true if the URL fits into a DHCP answer. Otherwise a script must name it.
    pub(crate) fn fits_dhcp(&self) -> bool {
        self.text.len() <= BOOT_FILE_LIMIT
    }

    /// Returns the script that chains to the URL for an iPXE without an address.
    pub(crate) fn ipxe_script(&self) -> String {
        // `route` shows the address on the console.
        format!("#!ipxe\ndhcp || exit 1\nroute ||\nchain --autofree {} || exit 1\n", self.text)
    }

    /// Returns the script that chains to a URL that does not fit into a DHCP answer.
    pub(crate) fn chain_script(&self) -> String {
        format!("#!ipxe\nchain --autofree {}\n", self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn guest(url: &str) -> Result<String, UrlProblem> {
        let url = GuestUrl::new(&url.parse().unwrap(), NetworkAccess::Unrestricted);
        url.map(|url| url.as_str().to_owned())
    }

    #[test]
    fn an_isolated_guest_knows_one_server() {
        for (given, text, server) in [
            ("http://127.0.0.1:81/x", "http://10.0.2.100:81/x", ("127.0.0.1", 81)),
            ("http://[::1]:81/x", "http://10.0.2.100:81/x", ("::1", 81)),
            ("http://192.0.2.7/x?a#b", "http://10.0.2.100/x?a", ("192.0.2.7", 80)),
            ("http://boot.example.org/", "http://10.0.2.100/", ("boot.example.org", 80)),
            // Another guest address would be another server.
            ("http://10.0.2.2:81/x", "http://10.0.2.100:81/x", ("10.0.2.2", 81)),
        ] {
            let url = GuestUrl::new(&given.parse().unwrap(), NetworkAccess::WebServer).unwrap();
            assert_eq!((url.as_str(), url.forwarded()), (text, Some(server)));
        }
        for url in ["https://127.0.0.1/x", "tftp://127.0.0.1/x"] {
            let url = GuestUrl::new(&url.parse().unwrap(), NetworkAccess::WebServer);
            assert_eq!(url, Err(UrlProblem::NotForwarded));
        }
    }

    #[test]
    fn loopback_is_translated_and_nothing_else() {
        for (given, expected) in [
            ("http://127.0.0.1:8080/boot.ipxe", "http://10.0.2.2:8080/boot.ipxe"),
            ("http://LOCALHOST/a?b=c#d", "http://10.0.2.2/a?b=c"),
            ("http://127.1.2.3/", "http://10.0.2.2/"),
            ("tftp://127.0.0.1/x", "tftp://10.0.2.2/x"),
            ("http://192.0.2.7/x", "http://192.0.2.7/x"),
            ("https://boot.example.org/x", "https://boot.example.org/x"),
            ("http://[2001:db8::1]/x", "http://[2001:db8::1]/x"),
        ] {
            assert_eq!(guest(given).unwrap(), expected);
        }
    }

    #[test]
    fn what_a_guest_cannot_boot_is_refused() {
        for (url, expected) in [
            ("file:///boot.ipxe", UrlProblem::Scheme),
            ("data:text/plain,x", UrlProblem::Scheme),
            ("http://[::1]/x", UrlProblem::Unreachable),
            ("http://0.0.0.0/x", UrlProblem::Unreachable),
            ("tftp:/x", UrlProblem::NoHost),
            ("http://user:hunter2@127.0.0.1/x", UrlProblem::Credentials),
        ] {
            assert_eq!(guest(url), Err(expected), "{url}");
        }
    }

    #[test]
    fn firmware_fetches_programs_by_their_names() {
        for (url, expected) in [
            ("http://127.0.0.1/x.efi?v=1", Ok(())),
            ("http://127.0.0.1/noext", Err(UrlProblem::NoProgramName)),
            ("http://127.0.0.1/get?file=x.efi", Err(UrlProblem::NoProgramName)),
            ("http://127.0.0.1/x.EFI", Err(UrlProblem::NoProgramName)),
            ("tftp://127.0.0.1/x.efi", Err(UrlProblem::NotForFirmware)),
        ] {
            let url = url.parse().unwrap();
            assert_eq!(GuestUrl::of_program(&url, NetworkAccess::WebServer).map(drop), expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_ipxe_would_read_otherwise_remains(path in "\\PC{0,40}", query in "\\PC{0,40}") {
            let mut url = Url::parse("http://127.0.0.1:1/").unwrap();
            url.set_path(&path);
            url.set_query(Some(&query));
            let url = GuestUrl::new(&url, NetworkAccess::WebServer).unwrap();
            prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!url.as_str().contains(['{', '}']), "{}", url.as_str());
            prop_assert_eq!(url.chain_script().lines().count(), 2);
        }
    }
}
