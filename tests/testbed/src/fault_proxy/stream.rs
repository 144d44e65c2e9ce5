//! Faults of a TCP stream.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::state::State;

/// The number of bytes that are passed on at once.
const CHUNK: usize = 8192;

pub(super) type Rule = dyn Fn(&Chunk<'_>) -> StreamFault + Send + Sync;

/// The direction in which bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The bytes that the client sends.
    ToServer,
    /// The bytes that the server answers.
    ToClient,
}

/// Bytes that arrived and are about to be passed on.
#[derive(Debug)]
pub struct Chunk<'a> {
    /// The direction in which bytes go.
    pub direction: Direction,
    /// The number of the connection, from 1.
    pub connection: u64,
    /// The number of bytes that arrived before these in this direction, over all connections.
    pub start: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl Chunk<'_> {
    /// The position in this chunk of the byte that is `count` bytes after the first one of all that
    /// went in this direction, if it is in here.
    pub fn position_of(&self, direction: Direction, count: u64) -> Option<usize> {
        let position = usize::try_from(count.checked_sub(self.start)?).ok()?;
        (direction == self.direction && position < self.bytes.len()).then_some(position)
    }
}

/// The fault that a chunk gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFault {
    /// It is passed on.
    None,
    /// So many of its bytes are passed on; then the connection is cut on both sides.
    Cut {
        /// The number of bytes.
        after: usize,
    },
    /// It is passed on with one bit flipped.
    Flip {
        /// The byte that the bit is in.
        at: usize,
    },
    /// It is passed on after this time.
    Delay(Duration),
}

/// Passes on what comes on one connection until both sides have ended.
pub(super) fn serve(
    client: TcpStream,
    server: TcpStream,
    state: &Arc<State>,
    rule: &Arc<Rule>,
) -> io::Result<()> {
    let number = state.connections.load(Ordering::SeqCst);
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
    let (answer_state, answer_rule) = (state.clone(), rule.clone());
    let answering = thread::spawn(move || {
        let way = Direction::ToClient;
        let _ = pass(way, number, from_server, to_client, &answer_state, &answer_rule);
    });
    let _ = pass(Direction::ToServer, number, client, server, state, rule);
    let _ = answering.join();
    Ok(())
}

fn pass(
    direction: Direction,
    connection: u64,
    mut from: TcpStream,
    mut to: TcpStream,
    state: &State,
    rule: &Arc<Rule>,
) -> io::Result<()> {
    let total = match direction {
        Direction::ToServer => &state.to_server,
        Direction::ToClient => &state.to_client,
    };
    let mut buffer = [0; CHUNK];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) | Err(_) => {
                // The other direction may go on, as TCP lets it.
                let _ = to.shutdown(Shutdown::Write);
                return Ok(());
            }
            Ok(count) => count,
        };
        let start = total.fetch_add(count as u64, Ordering::SeqCst);
        let bytes = &mut buffer[..count];
        let fault = rule(&Chunk { direction, connection, start, bytes });
        if fault != StreamFault::None {
            state.has_faulted();
        }
        match fault {
            StreamFault::None => {}
            StreamFault::Cut { after } => {
                let _ = to.write_all(&bytes[..after.min(count)]);
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
                return Ok(());
            }
            StreamFault::Flip { at } => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 0x10;
                }
            }
            StreamFault::Delay(time) => thread::sleep(time),
        }
        if to.write_all(bytes).is_err() {
            let _ = from.shutdown(Shutdown::Read);
            return Ok(());
        }
    }
}
