//! The number of connections: a limit for all, and one for each peer, so that no peer keeps others
//! from being served.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netboot_core::CancellationToken;

use crate::activity::Activity;
use crate::notice::ConnectionLimit;

/// The open connections.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    open: Arc<Mutex<Open>>,
    most: usize,
    most_per_peer: usize,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of connections that were admitted so far.
    admitted: u64,
    count: usize,
    peers: HashMap<IpAddr, BTreeMap<u64, Arc<Admitted>>>,
}

/// A connection that may be served.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) activity: Arc<Activity>,
    /// Cancelled if the connection has to make room for another one.
    pub(crate) evicted: CancellationToken,
}

/// A place among the open connections. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) connection: Arc<Admitted>,
    peer: IpAddr,
    number: u64,
    admission: Admission,
}

/// The way in which a peer was limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limited {
    /// An idle connection of it was closed.
    Evicted(IpAddr, ConnectionLimit),
    /// Its new connection was refused.
    Refused(IpAddr, ConnectionLimit),
}

impl Admission {
    /// A peer has at most half of all connections, whatever its limit.
    pub(crate) fn new(most: usize, most_per_peer: usize) -> Self {
        let most_per_peer = most_per_peer.min((most / 2).max(1));
        Self { open: Arc::default(), most, most_per_peer }
    }

    /// Admits a connection. If there are too many, an idle one is closed for it: the longest idle
    /// one of the same peer, or of the peer with the most connections. No connection is closed
    /// during a request.
    pub(crate) fn admit(&self, peer: IpAddr) -> (Option<Place>, Option<Limited>) {
        let mut open = self.lock();
        let of_peer = open.peers.get(&peer).map_or(0, BTreeMap::len);
        let (limit, crowded) = if of_peer >= self.most_per_peer {
            (ConnectionLimit::Address, vec![peer])
        } else if open.count >= self.most {
            (ConnectionLimit::Server, open.larger_than(of_peer))
        } else {
            (ConnectionLimit::Server, Vec::new())
        };
        let mut limited = None;
        if !crowded.is_empty() || open.count >= self.most {
            let Some(evicted) = crowded.into_iter().find(|crowded| open.evict(*crowded)) else {
                return (None, Some(Limited::Refused(peer, limit)));
            };
            limited = Some(Limited::Evicted(evicted, limit));
        }
        open.admitted += 1;
        open.count += 1;
        let number = open.admitted;
        let (activity, evicted) = (Arc::new(Activity::new()), CancellationToken::new());
        let connection = Arc::new(Admitted { activity, evicted });
        open.peers.entry(peer).or_default().insert(number, connection.clone());
        drop(open);
        (Some(Place { connection, peer, number, admission: self.clone() }), limited)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The peers with more connections than this, those with the most first.
    fn larger_than(&self, count: usize) -> Vec<IpAddr> {
        let peers = self.peers.iter().map(|(peer, connections)| (connections.len(), *peer));
        let mut peers: Vec<_> = peers.filter(|(connections, _)| *connections > count).collect();
        peers.sort_unstable_by(|one, other| other.cmp(one));
        peers.into_iter().map(|(_, peer)| peer).collect()
    }

    /// Closes the longest idle connection of a peer. Returns false if none is idle.
    fn evict(&mut self, peer: IpAddr) -> bool {
        let connections = self.peers.get(&peer).into_iter().flatten();
        let idle = connections
            .filter_map(|(number, connection)| Some((connection.activity.idle_since()?, *number)));
        let Some((_, number)) = idle.min() else { return false };
        self.remove(peer, number);
        true
    }

    fn remove(&mut self, peer: IpAddr, number: u64) {
        let Some(connections) = self.peers.get_mut(&peer) else { return };
        if let Some(connection) = connections.remove(&number) {
            connection.evicted.cancel();
            self.count -= 1;
        }
        if connections.is_empty() {
            self.peers.remove(&peer);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.lock().remove(self.peer, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    #[test]
    fn the_longest_idle_connection_of_the_same_peer_makes_room() {
        let admission = Admission::new(100, 2);
        let mut places: Vec<Place> = (0..2).map(|_| admission.admit(peer(1)).0.unwrap()).collect();
        let other = admission.admit(peer(2)).0.unwrap();
        places[0].connection.activity.set_in_request(true);
        let (third, limited) = admission.admit(peer(1));
        assert_eq!(limited, Some(Limited::Evicted(peer(1), ConnectionLimit::Address)));
        let evicted = |place: &Place| place.connection.evicted.is_cancelled();
        assert_eq!(places.iter().map(evicted).collect::<Vec<_>>(), [false, true]);
        assert!(!evicted(&other));
        // Now both are in a request.
        third.as_ref().unwrap().connection.activity.set_in_request(true);
        let (refused, limited) = admission.admit(peer(1));
        assert!(
            refused.is_none()
                && limited == Some(Limited::Refused(peer(1), ConnectionLimit::Address))
        );
        places.clear();
        assert!(admission.admit(peer(1)).0.is_some());
    }

    #[test]
    fn the_peer_with_the_most_connections_makes_room_for_all_others() {
        let admission = Admission::new(10, 1000);
        let many: Vec<Place> = (0..5).map(|_| admission.admit(peer(1)).0.unwrap()).collect();
        let (sixth, limited) = admission.admit(peer(1));
        assert_eq!(
            limited,
            Some(Limited::Evicted(peer(1), ConnectionLimit::Address)),
            "it has half of them at most"
        );
        let others: Vec<Place> =
            (2..7).map(|number| admission.admit(peer(number)).0.unwrap()).collect();
        let (more, limited) = admission.admit(peer(9));
        assert_eq!(
            (more.is_some(), limited),
            (true, Some(Limited::Evicted(peer(1), ConnectionLimit::Server)))
        );
        assert!(others.iter().all(|place| !place.connection.evicted.is_cancelled()));
        drop((many, sixth, others, more));
        let open = admission.lock();
        assert!(open.count == 0 && open.peers.is_empty());
    }
    #[test]
    fn a_peer_is_not_blamed_for_a_server_without_a_free_connection() {
        let admission = Admission::new(4, 1000);
        let busy = |number| {
            let place = admission.admit(peer(number)).0.unwrap();
            place.connection.activity.set_in_request(true);
            place
        };
        let _places: Vec<Place> = [1, 1, 2, 3].map(busy).into();
        let (refused, limited) = admission.admit(peer(9));
        assert!(refused.is_none());
        assert_eq!(limited, Some(Limited::Refused(peer(9), ConnectionLimit::Server)));
    }
}
