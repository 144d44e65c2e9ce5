//! A long line keeps every byte for half of a round trip, and many bytes travel at once.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use netboot_testbed::{LongLine, PATIENCE};

const ROUND_TRIP: Duration = Duration::from_millis(200);

/// A server that sends back the bytes of one connection.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut writer = stream.try_clone().unwrap();
        std::io::copy(&mut stream, &mut writer).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    address
}

/// Repeats an attempt until it takes less than `limit`: a busy machine adds time to each, but a
/// line that is too slow never keeps the limit.
fn takes_less_than(limit: Duration, mut attempt: impl FnMut() -> Duration) {
    let begin = Instant::now();
    while attempt() >= limit {
        assert!(begin.elapsed() < PATIENCE, "no attempt took less than {limit:?}");
    }
}

#[test]
fn an_answer_takes_a_round_trip_and_the_first_one_takes_two() {
    let line = LongLine::to(echo(), ROUND_TRIP);
    let begin = Instant::now();
    let mut stream = TcpStream::connect(line.address()).unwrap();
    let mut ask = |begin: Instant| {
        stream.write_all(b"ping").unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"ping");
        begin.elapsed()
    };
    let first = ask(begin);
    assert!(first >= 2 * ROUND_TRIP, "{first:?}");
    takes_less_than(2 * ROUND_TRIP, || {
        let later = ask(Instant::now());
        assert!(later >= ROUND_TRIP, "{later:?}");
        later
    });
}

#[test]
fn many_bytes_travel_at_once_and_arrive_in_their_order() {
    let sent: Vec<u8> = (0..8_000_000_u32).map(|n| (n % 251).to_le_bytes()[0]).collect();
    // One piece of 64 KiB after the other would take 12 s.
    takes_less_than(Duration::from_secs(6), || {
        let line = LongLine::to(echo(), ROUND_TRIP);
        let mut stream = TcpStream::connect(line.address()).unwrap();
        let begin = Instant::now();
        let (mut writer, bytes) = (stream.try_clone().unwrap(), sent.clone());
        let writing = thread::spawn(move || {
            writer.write_all(&bytes).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        writing.join().unwrap();
        assert!(received == sent);
        begin.elapsed()
    });
}
