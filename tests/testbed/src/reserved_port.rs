//! A port of the loopback interface that no other test uses.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::failure::{fail, or_fail};

/// The ports to choose from. Linux gives the ports from 32768 on to sockets that ask for any.
const PORTS: RangeInclusive<u16> = 12_000..=32_000;
/// The ports that Linux gives to sockets which ask for any: two numbers, first and last.
const GIVEN_BY_LINUX: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// The number of reservations of this process.
static RESERVED: AtomicU16 = AtomicU16::new(0);

/// A free port of the loopback interface, reserved for as long as this value lives.
///
/// A test that binds port 0, closes the socket and gives the number to a server can lose the port
/// to another test before the server listens. No other test gets a reserved port: a socket in the
/// abstract namespace of Linux is its lock, which ends with this process at the latest. The kernel
/// does not give it away either, because the port is outside of the range for sockets that ask for
/// any port. So a server can start late, or again, and a connection to a port on which nothing
/// listens is refused.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
///
/// use netboot_testbed::ReservedPort;
///
/// let port = ReservedPort::new();
/// assert!(TcpStream::connect(port.address()).is_err(), "nothing listens yet");
/// let listener = TcpListener::bind(port.address())?;
/// assert_eq!(listener.local_addr()?.port(), port.number());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ReservedPort {
    number: u16,
    _lock: UnixListener,
}

impl ReservedPort {
    /// Reserves a port.
    ///
    /// # Panics
    /// If no port is free.
    #[expect(clippy::new_without_default, reason = "a port is taken from everybody else")]
    pub fn new() -> Self {
        let given = given_by_linux();
        let count = PORTS.end() - PORTS.start() + 1;
        // Processes begin at places of their own, so they seldom meet.
        let begin = std::process::id().wrapping_mul(7919) % u32::from(count);
        for _ in PORTS {
            let step = u32::from(RESERVED.fetch_add(1, Ordering::Relaxed));
            let offset = u16::try_from((begin + step) % u32::from(count)).unwrap_or_default();
            let number = PORTS.start() + offset;
            if given.as_ref().is_some_and(|given| given.contains(&number)) {
                continue;
            }
            if let Some(lock) = lock(number)
                && is_free(number)
            {
                return Self { number, _lock: lock };
            }
        }
        fail(&format!("no port from {} to {} is free", PORTS.start(), PORTS.end()))
    }

    /// The number of the port.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The port at 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

/// The ports that Linux gives away, unless that leaves too few: then tests are only protected from
/// each other.
fn given_by_linux() -> Option<RangeInclusive<u16>> {
    let text = fs::read_to_string(GIVEN_BY_LINUX).ok()?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    let (first, last): (u16, u16) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let leaves_some = first >= PORTS.start() + 2000 || last <= PORTS.end() - 2000;
    leaves_some.then_some(first..=last)
}

/// The lock of a port, unless another test of this network namespace has it.
fn lock(number: u16) -> Option<UnixListener> {
    let name = format!("netboot-tests-port-{number}");
    let address = or_fail(UnixAddr::from_abstract_name(name), "the lock of a port");
    match UnixListener::bind_addr(&address) {
        Ok(lock) => Some(lock),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
        Err(error) => fail(&format!("the lock of port {number}: {error}")),
    }
}

/// Returns true if no program listens on the port.
fn is_free(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
}
