//! The only way out of an isolated network: to one web server.

use std::net::SocketAddr;

use crate::guest_url::FORWARDED_ADDRESS;

/// The program that forwards a connection.
pub(super) const PROGRAM: &str = "bash";

/// Connects the standard input and output to the server, and ends when either side has closed its
/// connection. `bash` opens `/dev/tcp/HOST/PORT` as a connection. QEMU would send messages on
/// standard error to the guest, which would take them for the answer of the server.
const SCRIPT: &str = "exec 2>/dev/null 3<>/dev/tcp/$1/$2 || exit; cat <&3 & cat <&0 >&3 & wait -n; \
                      kill $(jobs -p)";

/// A connection from the isolated network to one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forward {
    /// The port at which the guest reaches the server.
    pub(super) guest_port: u16,
    /// The address of the server.
    pub(super) server: SocketAddr,
}

impl Forward {
    /// The option of QEMU's user-mode network that isolates the guest, with the exception of this
    /// forward (QEMU manual, `-netdev user`, `restrict` and `guestfwd`). QEMU starts the command
    /// for each connection of the guest.
    pub(super) fn option(self) -> String {
        let Self { guest_port, server } = self;
        format!(
            "restrict=on,guestfwd=tcp:{FORWARDED_ADDRESS}:{guest_port}-cmd:{PROGRAM} -c '{SCRIPT}' \
             netboot-forward {} {}",
            server.ip(),
            server.port()
        )
    }
}
