//! Wrong tokens of each peer, so that nobody tries many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The number of wrong tokens that a peer may send in one [`PERIOD`].
const MOST: u32 = 20;
/// The time that starts with a peer's first wrong token.
const PERIOD: Duration = Duration::from_secs(60);
/// The number of peers that are remembered. Somebody with more addresses than this still has to
/// guess a token of at least 16 characters.
const PEERS: usize = 1024;

/// The wrong tokens of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Guesses {
    /// Counts a wrong token.
    pub(crate) fn count(&self, peer: IpAddr) {
        self.count_at(peer, Instant::now());
    }

    /// The time for which the peer has to wait; zero if it may show a token.
    pub(crate) fn wait(&self, peer: IpAddr) -> Duration {
        self.wait_at(peer, Instant::now())
    }

    fn count_at(&self, peer: IpAddr, now: Instant) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= PEERS {
            guesses.retain(|_, (begin, _)| now.saturating_duration_since(*begin) < PERIOD);
        }
        if guesses.len() < PEERS || guesses.contains_key(&peer) {
            let (begin, count) = guesses.entry(peer).or_insert((now, 0));
            if now.saturating_duration_since(*begin) >= PERIOD {
                (*begin, *count) = (now, 0);
            }
            *count += 1;
        }
    }

    fn wait_at(&self, peer: IpAddr, now: Instant) -> Duration {
        let guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match guesses.get(&peer) {
            Some((begin, count)) if *count >= MOST => {
                PERIOD.saturating_sub(now.saturating_duration_since(*begin))
            }
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_guesses_waits_and_no_other_does() {
        let (guesses, begin) = (Guesses::default(), Instant::now());
        let [one, other] = [1, 2].map(|number| IpAddr::from([10, 0, 0, number]));
        for _ in 0..MOST {
            assert_eq!(guesses.wait_at(one, begin), Duration::ZERO);
            guesses.count_at(one, begin);
        }
        assert_eq!(guesses.wait_at(one, begin + PERIOD / 2), PERIOD / 2);
        assert_eq!(guesses.wait_at(other, begin), Duration::ZERO);
        assert_eq!(guesses.wait_at(one, begin + PERIOD), Duration::ZERO);
        guesses.count_at(one, begin + PERIOD);
        assert_eq!(guesses.wait_at(one, begin + PERIOD), Duration::ZERO);
        for peer in 0..2000_u32 {
            guesses.count_at(IpAddr::V4(peer.into()), begin + PERIOD);
        }
        assert_eq!(guesses.0.lock().unwrap().len(), PEERS);
    }
}
