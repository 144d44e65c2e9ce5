//! A number of places of which no peer takes more than its share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct PerPeer {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
    share: usize,
}

/// A place that a peer has taken. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    places: PerPeer,
    peer: IpAddr,
}

impl PerPeer {
    /// `most` places, of which one peer gets at most a quarter.
    pub(crate) fn new(most: usize) -> Self {
        Self { taken: Arc::default(), most, share: most.div_ceil(4) }
    }

    /// Takes a place. Returns `None` if all are taken, or if the peer has too many.
    pub(crate) fn take(&self, peer: IpAddr) -> Option<Taken> {
        let mut taken = self.lock();
        if taken.values().sum::<usize>() >= self.most {
            return None;
        }
        let of_peer = taken.get(&peer).copied().unwrap_or(0);
        if of_peer >= self.share {
            return None;
        }
        taken.insert(peer, of_peer + 1);
        drop(taken);
        Some(Taken { places: self.clone(), peer })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match taken.get_mut(&self.peer) {
            Some(1) | None => drop(taken.remove(&self.peer)),
            Some(count) => *count -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_its_share_and_all_get_no_more_than_there_are() {
        let places = PerPeer::new(8);
        let take = |peer: u8| places.take(IpAddr::from([10, 0, 0, peer]));
        let mut taken: Vec<Taken> = (0..2).filter_map(|_| take(1)).collect();
        assert!(take(1).is_none());
        taken.extend((2..8).filter_map(take));
        assert_eq!(taken.len(), 8);
        assert!(take(9).is_none());
        taken.pop();
        assert!(take(9).is_some());
        taken.clear();
        assert!(places.lock().is_empty());
    }
}
