//! The state that the threads of a proxy share.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The state that the threads of a proxy share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) server: SocketAddr,
    pub(super) is_closed: AtomicBool,
    pub(super) connections: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) faults: AtomicU64,
    pub(super) to_server: AtomicU64,
    pub(super) to_client: AtomicU64,
    /// The open connections, which are closed at the end.
    pub(super) open: Mutex<Vec<TcpStream>>,
}

impl State {
    pub(super) fn keep(&self, streams: [io::Result<TcpStream>; 2]) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Drop ended connections, so that their sockets are closed.
        open.retain(|stream| stream.peer_addr().is_ok());
        open.extend(streams.into_iter().flatten());
    }

    pub(super) fn has_faulted(&self) {
        self.faults.fetch_add(1, Ordering::SeqCst);
    }
}
