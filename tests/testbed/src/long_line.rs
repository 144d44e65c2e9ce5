//! A line to a server that takes time, as the line to another continent does.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::or_fail;

/// The number of bytes that travel together.
const CHUNK: usize = 64 * 1024;

/// The number of chunks on their way in one direction. 16 MiB in 25 ms are 5 Gbit/s.
const ON_THE_WAY: usize = 256;

/// A proxy on a free port of the loopback interface through which every byte travels for half of a
/// round trip, whichever way it goes. A connection takes a round trip to open, as with TCP.
///
/// The bandwidth is that of the loopback interface: nothing is lost, and no congestion window
/// grows slowly.
///
/// ```no_run
/// use std::time::Duration;
///
/// use netboot_testbed::LongLine;
///
/// let line = LongLine::to(([127, 0, 0, 1], 873).into(), Duration::from_millis(50));
/// println!("rsync://{}/pxe", line.address());
/// ```
#[derive(Debug)]
pub struct LongLine {
    address: SocketAddr,
    is_closed: Arc<AtomicBool>,
}

impl LongLine {
    /// A line to `server` that takes `round_trip` there and back.
    ///
    /// # Panics
    /// If no port is free.
    pub fn to(server: SocketAddr, round_trip: Duration) -> Self {
        let listener = or_fail(TcpListener::bind("127.0.0.1:0"), "a free port");
        let address = or_fail(listener.local_addr(), "a free port");
        let is_closed = Arc::new(AtomicBool::new(false));
        let closed = is_closed.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if closed.load(Ordering::SeqCst) {
                    break;
                }
                thread::spawn(move || serve(&client, server, round_trip));
            }
        });
        Self { address, is_closed }
    }

    /// The address of its near end.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for LongLine {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::SeqCst);
        // Wakes the thread that listens. Connections end when one of their sides does.
        drop(TcpStream::connect(self.address));
    }
}

/// Bytes, and the moment at which they arrive.
type Travelling = (Instant, Vec<u8>);

fn serve(client: &TcpStream, server: SocketAddr, round_trip: Duration) -> io::Result<()> {
    let one_way = round_trip / 2;
    client.set_nodelay(true)?;
    let (from_client, to_client) = (client.try_clone()?, client.try_clone()?);
    let (to_server, from_line) = sync_channel(ON_THE_WAY);
    let asking = thread::spawn(move || depart(from_client, &to_server, one_way));
    // The client believes that it is connected already. With TCP, it would send its first byte a
    // round trip later, and the server would see the connection after another half.
    thread::sleep(round_trip + one_way);
    let Ok(server) = TcpStream::connect(server) else { return client.shutdown(Shutdown::Both) };
    server.set_nodelay(true)?;
    let from_server = server.try_clone()?;
    let (to_line, from_far) = sync_channel(ON_THE_WAY);
    let threads = [
        asking,
        thread::spawn(move || arrive(&from_line, server)),
        thread::spawn(move || depart(from_server, &to_line, one_way)),
        thread::spawn(move || arrive(&from_far, to_client)),
    ];
    for thread in threads {
        let _ = thread.join();
    }
    Ok(())
}

/// Puts what comes on the line until there is nothing more, or nobody reads it.
fn depart(mut from: TcpStream, line: &SyncSender<Travelling>, one_way: Duration) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if line.send((Instant::now() + one_way, buffer[..count].to_vec())).is_err() {
            let _ = from.shutdown(Shutdown::Read);
            return;
        }
    }
    // The end of the bytes travels too.
    let _ = line.send((Instant::now() + one_way, Vec::new()));
}

/// Takes from the line what arrives. The other direction may go on after the end, as TCP lets it.
fn arrive(line: &Receiver<Travelling>, mut to: TcpStream) {
    for (moment, bytes) in line {
        thread::sleep(moment.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
