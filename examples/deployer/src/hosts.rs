//! The names and addresses of this service. A browser that is tricked into connecting here under
//! another name (DNS rebinding) sends that name in `Host`.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use url::{Host, Url};

/// The hosts under which requests are answered.
#[derive(Debug)]
pub(crate) struct Hosts(BTreeSet<Host>);

impl Hosts {
    /// The hosts of the configuration, the host of the service's URL, and the address on which it
    /// listens.
    pub(crate) fn new(configured: &[Host], url: &Url, listen: SocketAddr) -> Self {
        let of_url = url.host().map(|host| plain(host.to_owned()));
        let listen = of_address(listen.ip());
        Self(configured.iter().cloned().chain(of_url).chain([listen]).collect())
    }

    /// Returns true if a request to this host is meant for this service. `local` is the address at
    /// which the request arrived: it belongs to this machine, so it is one on which the service
    /// listens.
    pub(crate) fn contain(&self, host: &Host, local: IpAddr) -> bool {
        // No resolver answers for localhost, so nobody can rebind it.
        let is_localhost = local.to_canonical().is_loopback()
            && matches!(host, Host::Domain(name) if name == "localhost");
        is_localhost || *host == of_address(local) || self.0.contains(host)
    }
}

/// Parses the name or address of a host, without a port. IPv6 addresses may have brackets. Upper
/// and lower case are the same, and so are names with and without a dot at the end.
pub(crate) fn parse_host(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse() {
        return Some(of_address(address));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    Host::parse(name).ok().map(plain)
}

/// The host of `host:port`. Returns `None` if there is also a user, or if the port is not a number.
pub(crate) fn host_of(authority: &Authority) -> Option<Host> {
    let (text, host) = (authority.as_str(), authority.host());
    let has_port = matches!(text.strip_prefix(host), Some("" | ":")) || authority.port().is_some();
    if text.contains('@') || !has_port {
        return None;
    }
    parse_host(host)
}

fn of_address(address: IpAddr) -> Host {
    match address.to_canonical() {
        IpAddr::V4(address) => Host::Ipv4(address),
        IpAddr::V6(address) => Host::Ipv6(address),
    }
}

/// An IPv4 address in the form of an IPv6 address is the IPv4 address.
fn plain(host: Host) -> Host {
    match host {
        Host::Ipv6(address) => of_address(address.into()),
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_own_names_is_known_and_no_other_name_is() {
        let configured: Vec<Host> =
            ["deployer.example.org", "fd00::7"].into_iter().filter_map(parse_host).collect();
        let url = "http://boot.example.org:8080/x/".parse().unwrap();
        let hosts = Hosts::new(&configured, &url, "0.0.0.0:8080".parse().unwrap());
        let known = |text: &str, local: &str| {
            let host = text.parse::<Authority>().ok().and_then(|authority| host_of(&authority));
            host.is_some_and(|host| hosts.contain(&host, local.parse().unwrap()))
        };
        for own in [
            "boot.example.org",
            "BOOT.Example.ORG.:8080",
            "boot.example.org:",
            "deployer.example.org:443",
            "10.0.0.1",
            "10.0.0.1:8080",
            "[::ffff:10.0.0.1]:8080",
            "[fd00::7]",
            "[FD00:0:0::7]:8080",
        ] {
            assert!(known(own, "10.0.0.1") && known(own, "::ffff:10.0.0.1"), "{own}");
        }
        for other in [
            "",
            "evil.example.org",
            "boot.example.org.evil.example",
            "evil.example\\@boot.example.org",
            "evil@boot.example.org",
            "boot.example.org:8080:80",
            "boot.example.org:port",
            "boot.example.org..",
            "example.org",
            "10.0.0.2",
            "[fd00::8]",
            "[fd00::7",
            "localhost",
            "localhost.evil.example",
            "127.0.0.1",
        ] {
            assert!(!known(other, "10.0.0.1"), "{other}");
        }
        for own in ["localhost", "LOCALHOST.:8080", "127.0.0.1"] {
            assert!(known(own, "127.0.0.1"), "{own}");
        }
        assert!(known("localhost", "::1") && known("[::1]:8080", "::1"));
    }
}
