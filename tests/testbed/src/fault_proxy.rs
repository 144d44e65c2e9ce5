//! A proxy for a real server that injects the faults of bad networks and servers.

mod http;
mod state;
mod stream;

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

pub use self::http::{HttpFault, HttpRequest, Moment};
use self::state::State;
pub use self::stream::{Chunk, Direction, StreamFault};
use crate::failure::or_fail;

/// A proxy on a free port of the loopback interface.
///
/// A rule decides what happens to each piece that passes: to chunks of a TCP stream
/// ([`stream`](Self::stream)), or to HTTP requests and their answers ([`http`](Self::http)). The
/// proxy calls the rule before it passes the piece on, so a rule can also kill a process then.
///
/// ```no_run
/// use netboot_testbed::{Direction, FaultProxy, StreamFault};
///
/// // Cuts each connection that carries the 10,000th byte to the server.
/// let proxy = FaultProxy::stream(([127, 0, 0, 1], 873).into(), |chunk| {
///     match chunk.position_of(Direction::ToServer, 10_000) {
///         Some(after) => StreamFault::Cut { after },
///         None => StreamFault::None,
///     }
/// });
/// println!("rsync://{}/pxe", proxy.address());
/// ```
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
}

impl FaultProxy {
    /// A proxy for any protocol. `rule` sees each chunk that arrives.
    ///
    /// # Panics
    /// If no port is free.
    pub fn stream(
        server: SocketAddr,
        rule: impl Fn(&Chunk<'_>) -> StreamFault + Send + Sync + 'static,
    ) -> Self {
        let rule: Arc<stream::Rule> = Arc::new(rule);
        Self::start(server, move |client, server, state| {
            stream::serve(client, server, state, &rule)
        })
    }

    /// A proxy for HTTP without TLS. `rule` sees each request twice: when its head arrived, and
    /// when the head of its answer arrived.
    ///
    /// # Panics
    /// If no port is free.
    pub fn http(
        server: SocketAddr,
        rule: impl Fn(&HttpRequest, Moment) -> HttpFault + Send + Sync + 'static,
    ) -> Self {
        let rule: Arc<http::Rule> = Arc::new(rule);
        Self::start(server, move |client, server, state| http::serve(client, server, state, &rule))
    }

    fn start(
        server: SocketAddr,
        serve: impl Fn(TcpStream, TcpStream, &Arc<State>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = or_fail(TcpListener::bind("127.0.0.1:0"), "a free port");
        let address = or_fail(listener.local_addr(), "a free port");
        let state = Arc::new(State {
            server,
            is_closed: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            to_server: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
            open: Mutex::default(),
        });
        let (shared, serve) = (state.clone(), Arc::new(serve));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is_closed.load(Ordering::SeqCst) {
                    break;
                }
                let (state, serve) = (shared.clone(), serve.clone());
                thread::spawn(move || {
                    // If the server is down, the client sees its connection closed.
                    if let Ok(server) = TcpStream::connect(state.server) {
                        let ends = || [client.try_clone(), server.try_clone()];
                        let (kept, closed) = (ends(), ends());
                        state.connections.fetch_add(1, Ordering::SeqCst);
                        state.keep(kept);
                        let _ = serve(client, server, &state);
                        // A kept clone would keep the connection open.
                        for stream in closed.into_iter().flatten() {
                            let _ = stream.shutdown(Shutdown::Both);
                        }
                    }
                });
            }
        });
        Self { address, state }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for HTTP.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of connections so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The number of HTTP requests so far.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// The number of faults so far.
    pub fn faults(&self) -> u64 {
        self.state.faults.load(Ordering::SeqCst)
    }

    /// The number of bytes that arrived for the server, and for clients.
    pub fn bytes(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (count(&self.state.to_server), count(&self.state.to_client))
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("address", &self.address)
            .field("state", &self.state)
            .finish()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.state.is_closed.store(true, Ordering::SeqCst);
        // Wakes the thread that listens.
        drop(TcpStream::connect(self.address));
        for stream in self.state.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
