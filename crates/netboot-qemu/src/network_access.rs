//! The network that a machine can reach.

/// The servers that a machine can reach while it boots from a URL.
///
/// An image under test may send reports, join a cluster, or fetch from other servers. A machine
/// that proves an image must not do this in the production network, so the default is
/// [`WebServer`](Self::WebServer).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkAccess {
    /// Only the web server of the URL, at its port. QEMU answers DHCP, and refuses every other
    /// connection at once: to other ports of the server, to other services on this host, to the
    /// network, and to DNS.
    ///
    /// The guest reaches the server at `10.0.2.100`, so the header `Host` of its requests has that
    /// address. A server that answers only to its own name refuses them. `bash` and `cat` of the
    /// `PATH` forward each connection.
    #[default]
    WebServer,
    /// Everything that this process can reach, including the services on the loopback interface of
    /// this host, which the guest reaches at `10.0.2.2`.
    Unrestricted,
}
