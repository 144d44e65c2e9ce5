//! A proxy before a real server that does what bad networks and bad servers do.

mod http;
mod stream;

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

pub use self::http::{HttpFault, HttpRequest, Moment};
pub use self::stream::{Chunk, Direction, StreamFault};
use crate::loopback_server::or_fail;

/// A proxy on a free port of the loopback interface.
///
/// A rule says what happens to each piece that passes: to chunks of a TCP stream
/// ([`stream`](Self::stream)), or to HTTP requests and their answers ([`http`](Self::http)). The
/// rule is called before the piece is passed on, so it may as well kill a process at this moment.
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

/// What the threads of a proxy share.
#[derive(Debug)]
struct State {
    server: SocketAddr,
    is_closed: AtomicBool,
    connections: AtomicU64,
    requests: AtomicU64,
    faults: AtomicU64,
    to_server: AtomicU64,
    to_client: AtomicU64,
    /// Those that are open, to be closed at the end.
    open: Mutex<Vec<TcpStream>>,
}

impl FaultProxy {
    /// A proxy of any protocol. `rule` sees each chunk that arrives.
    ///
    /// # Panics
    /// When no port is free.
    pub fn stream(
        server: SocketAddr,
        rule: impl Fn(&Chunk<'_>) -> StreamFault + Send + Sync + 'static,
    ) -> Self {
        let rule: Arc<stream::Rule> = Arc::new(rule);
        Self::start(server, move |client, server, state| {
            stream::serve(client, server, state, &rule)
        })
    }

    /// A proxy of HTTP without TLS. `rule` sees each request twice: when its head arrived, and
    /// when that of its answer did.
    ///
    /// # Panics
    /// When no port is free.
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
                    // Where the server is away, the client sees its connection closed.
                    if let Ok(server) = TcpStream::connect(state.server) {
                        let ends = || [client.try_clone(), server.try_clone()];
                        let (kept, closed) = (ends(), ends());
                        state.connections.fetch_add(1, Ordering::SeqCst);
                        state.keep(kept);
                        let _ = serve(client, server, &state);
                        // What is kept is the same connection, and would hold it open.
                        for stream in closed.into_iter().flatten() {
                            let _ = stream.shutdown(Shutdown::Both);
                        }
                    }
                });
            }
        });
        Self { address, state }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL for HTTP.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many HTTP requests arrived.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// How many faults happened.
    pub fn faults(&self) -> u64 {
        self.state.faults.load(Ordering::SeqCst)
    }

    /// How many bytes arrived for the server, and for clients.
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

impl State {
    fn keep(&self, streams: [io::Result<TcpStream>; 2]) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have ended are let go of, so that their sockets are.
        open.retain(|stream| stream.peer_addr().is_ok());
        open.extend(streams.into_iter().flatten());
    }

    fn has_faulted(&self) {
        self.faults.fetch_add(1, Ordering::SeqCst);
    }
}
