//! Compares programs: alternating runs, medians, and a row of the table for each peer.

use std::net::SocketAddr;
use std::time::Duration;

use netboot_testbed::{FaultProxy, HttpFault, LongLine, StreamFault};

use crate::measured::Run;
use crate::row::{Figures, Goal, Row};

/// The way to a server: direct while time is measured, through a proxy while bytes are counted.
#[derive(Debug)]
pub struct Wire {
    server: SocketAddr,
    proxy: FaultProxy,
    is_http: bool,
    /// The line to a server that is far away, which ends when this is dropped.
    _line: Option<LongLine>,
}

impl Wire {
    /// The way to a server of any protocol. Its round trips are not counted.
    pub fn stream(server: SocketAddr) -> Self {
        let proxy = FaultProxy::stream(server, |_| StreamFault::None);
        Self { server, proxy, is_http: false, _line: None }
    }

    /// The way to a server of any protocol that is far away: see [`LongLine`].
    pub fn long(server: SocketAddr, round_trip: Duration) -> Self {
        let line = LongLine::to(server, round_trip);
        let wire = Self::stream(line.address());
        Self { _line: Some(line), ..wire }
    }

    /// The way to a server of HTTP. Its requests are counted.
    pub fn http(server: SocketAddr) -> Self {
        let proxy = FaultProxy::http(server, |_, _| HttpFault::None);
        Self { server, proxy, is_http: true, _line: None }
    }

    /// The way to a server of HTTP that takes `latency` more for each request.
    pub fn slow_http(server: SocketAddr, latency: Duration) -> Self {
        let slow = move |_: &_, moment| match moment {
            netboot_testbed::Moment::Asked => HttpFault::Delay(latency),
            netboot_testbed::Moment::Answered => HttpFault::None,
        };
        let proxy = FaultProxy::http(server, slow);
        Self { server: proxy.address(), proxy, is_http: true, _line: None }
    }

    /// The address at which time is measured.
    pub fn server(&self) -> SocketAddr {
        self.server
    }
}

/// A program to compare. It gets the address of the server, if it goes to one, and returns the
/// resources that it used.
pub struct Contender<'a> {
    name: String,
    run: Box<dyn FnMut(SocketAddr) -> Run + 'a>,
    trips: Option<Box<dyn Fn() -> u64 + 'a>>,
    goals: Vec<Goal>,
}

impl std::fmt::Debug for Contender<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Contender<'a> {
    /// `run` prepares the case and runs the program. It gets the address of the server, or of the
    /// proxy that counts. Without a [`Wire`], it gets a meaningless address.
    pub fn new(name: &str, run: impl FnMut(SocketAddr) -> Run + 'a) -> Self {
        Self { name: name.to_owned(), run: Box::new(run), trips: None, goals: Vec::new() }
    }

    /// Counts the round trips of the last run in this way, in place of the requests of HTTP.
    #[must_use]
    pub fn trips(mut self, take: impl Fn() -> u64 + 'a) -> Self {
        self.trips = Some(Box::new(take));
        self
    }

    /// Adds a goal: of the comparison with this peer, or for us alone.
    #[must_use]
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }
}

/// A case of a place.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The place.
    pub place: &'static str,
    /// The case.
    pub name: &'a str,
    /// The number of measured rounds.
    pub rounds: usize,
    /// The way to the server, if there is one.
    pub wire: Option<&'a Wire>,
}

/// Runs the contenders alternately, each `rounds` times after one warm-up round, which counts bytes
/// and round trips. The first contender is ours. Returns a row for each peer, with the median times
/// and the highest peak memory.
pub fn contest(case: Case<'_>, mut contenders: Vec<Contender<'_>>) -> Vec<Row> {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut all: Vec<(Figures, Vec<Duration>)> = vec![Default::default(); contenders.len()];
    for round in 0..=case.rounds {
        for (contender, (figures, times)) in contenders.iter_mut().zip(&mut all) {
            let is_counted = round == 0;
            let address = match case.wire {
                Some(wire) if is_counted => wire.proxy.address(),
                Some(wire) => wire.server,
                None => nowhere,
            };
            let before = case.wire.map(|wire| (wire.proxy.bytes().0, wire.proxy.requests()));
            let run = (contender.run)(address);
            let trips = contender.trips.as_ref().map(|take| take());
            figures.peak = figures.peak.max(Some(run.peak));
            if !is_counted {
                times.push(run.wall);
                continue;
            }
            if let Some((wire, (bytes, requests))) = case.wire.zip(before) {
                figures.sent = Some(wire.proxy.bytes().0 - bytes);
                figures.trips = wire.is_http.then(|| wire.proxy.requests() - requests);
            }
            figures.trips = trips.or(figures.trips);
        }
    }
    for (figures, times) in &mut all {
        times.sort_unstable();
        figures.wall = times[times.len() / 2];
    }
    rows(case, contenders, all.into_iter().map(|(figures, _)| figures).collect())
}

fn rows(case: Case<'_>, contenders: Vec<Contender<'_>>, figures: Vec<Figures>) -> Vec<Row> {
    let mut all = contenders.into_iter().zip(figures);
    let Some((us, ours)) = all.next() else { return Vec::new() };
    let row = |peer: Option<(String, Figures)>, goals| Row {
        place: case.place,
        case: case.name.to_owned(),
        ours: ours.clone(),
        peer,
        goals,
    };
    let mut rows: Vec<Row> =
        all.map(|(peer, figures)| row(Some((peer.name, figures)), peer.goals)).collect();
    if rows.is_empty() {
        rows.push(row(None, Vec::new()));
    }
    // Our own goals stand in the first row alone.
    rows[0].goals.extend(us.goals);
    rows
}
