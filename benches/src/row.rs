//! The one table of the publishing benchmark.

use std::fmt::Write;
use std::time::Duration;

/// The figures of one program in one case.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// The median time.
    pub wall: Duration,
    /// The highest peak memory in KiB, if it was measured.
    pub peak: Option<u64>,
    /// The number of bytes sent to the server, if they were counted.
    pub sent: Option<u64>,
    /// The number of round trips, if they were counted: requests of HTTP, or runs of a program.
    pub trips: Option<u64>,
}

/// An upper limit that a row has to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// The ratio of our time to the peer's.
    Ratio(f64),
    /// Our time.
    Wall(Duration),
    /// The number of our round trips.
    Trips(u64),
    /// Our peak memory in MiB.
    Peak(u64),
}

/// A row of the table: one case of one place, and the peer that it is compared with.
#[derive(Debug, Clone)]
pub struct Row {
    /// The place, such as `rsync`.
    pub place: &'static str,
    /// The case, such as `cold, 300 MB`.
    pub case: String,
    /// Our figures.
    pub ours: Figures,
    /// The peer's name and figures.
    pub peer: Option<(String, Figures)>,
    /// The goals.
    pub goals: Vec<Goal>,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer.as_ref()?;
        Some(self.ours.wall.as_secs_f64() / peer.wall.as_secs_f64())
    }

    /// Returns true if the goal is reached, and false also if nothing was measured for it.
    fn reaches(&self, goal: Goal) -> bool {
        match goal {
            Goal::Ratio(limit) => self.ratio().is_some_and(|ratio| ratio <= limit),
            Goal::Wall(limit) => self.ours.wall <= limit,
            Goal::Trips(limit) => self.ours.trips.is_some_and(|trips| trips <= limit),
            Goal::Peak(limit) => self.ours.peak.is_some_and(|peak| peak <= limit * 1024),
        }
    }

    fn goal(&self, goal: Goal) -> String {
        let text = match goal {
            Goal::Ratio(limit) => format!("≤ {limit} ×"),
            Goal::Wall(limit) => format!("≤ {limit:?}"),
            Goal::Trips(limit) => format!("≤ {limit} trips"),
            Goal::Peak(limit) => format!("≤ {limit} MiB"),
        };
        if self.reaches(goal) { text } else { format!("**missed: {text}**") }
    }
}

/// The table in Markdown. Each pair in its last columns is ours and the peer's.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| place | case | ours | peer | peer's | ratio | goal | bytes sent | round trips \
         | peak memory, MiB |\n|---|---|---:|---|---:|---:|---|---:|---:|---:|\n",
    );
    for row in rows {
        let peer = row.peer.as_ref();
        let pair = |of: &dyn Fn(&Figures) -> Option<String>| {
            let dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
            match peer {
                Some((_, peer)) => format!("{} / {}", dash(of(&row.ours)), dash(of(peer))),
                None => dash(of(&row.ours)),
            }
        };
        let goals: Vec<String> = row.goals.iter().map(|goal| row.goal(*goal)).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.place,
            row.case,
            seconds(row.ours.wall),
            peer.map_or("–", |(name, _)| name),
            peer.map_or_else(|| "–".to_owned(), |(_, figures)| seconds(figures.wall)),
            row.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2} ×")),
            if goals.is_empty() { "–".to_owned() } else { goals.join(", ") },
            pair(&|figures| figures.sent.map(|sent| sent.to_string())),
            pair(&|figures| figures.trips.map(|trips| trips.to_string())),
            pair(&|figures| figures.peak.map(|peak| peak.div_ceil(1024).to_string())),
        );
    }
    text
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
