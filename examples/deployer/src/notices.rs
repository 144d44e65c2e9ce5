//! Lines in the service's log about clients. A flood of requests causes few of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use netboot_cli::Progress;

/// The time in which at most one line is written about each kind of event and peer.
const PAUSE: Duration = Duration::from_secs(60);
/// The maximum number of lines in that time.
const MOST: usize = 100;

/// Writes lines about clients. Clones share the limits.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    log: Progress,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    /// The time of the last line, and the number of events after it.
    lines: HashMap<(Kind, IpAddr), (Instant, u64)>,
    /// The number of events for which there was no space.
    left_out: u64,
}

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A connection was closed or refused, because there are too many.
    Connections,
    /// A client sends or reads too slowly.
    Slow,
    /// A request has a wrong `Host`.
    Host,
    /// A request comes from a page of another site.
    CrossSite,
    /// A request does not have the token.
    Login,
    /// A machine is not known, and tells values that identify nothing.
    Identity,
}

impl Notices {
    pub(crate) fn new(log: Progress) -> Self {
        Self { log, told: Arc::default() }
    }

    /// Writes a line about an event, unless there was one about the same kind and peer in the last
    /// minute. The next line then has the number of such events.
    pub(crate) fn tell(&self, kind: Kind, peer: IpAddr, text: &str) {
        if let Some(line) = self.line(kind, peer, text, Instant::now()) {
            self.log.line(&line);
        }
    }

    fn line(&self, kind: Kind, peer: IpAddr, text: &str, now: Instant) -> Option<String> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: Instant| now.saturating_duration_since(at) < PAUSE;
        let mut more = 0;
        if let Some((at, events)) = told.lines.get_mut(&(kind, peer)) {
            if is_recent(*at) {
                *events += 1;
                return None;
            }
            more = *events;
        } else if told.lines.len() >= MOST {
            told.lines.retain(|_, (at, _)| is_recent(*at));
            if told.lines.len() >= MOST {
                told.left_out += 1;
                return None;
            }
        }
        told.lines.insert((kind, peer), (now, 0));
        let again = match more {
            0 => String::new(),
            more => format!(" ({more} more such events since the last line)"),
        };
        let others = match std::mem::take(&mut told.left_out) {
            0 => String::new(),
            others => format!(" (and {others} events of other peers)"),
        };
        Some(format!("{peer}: {text}{again}{others}"))
    }
}

/// Text of a client for the log: short, on one line, and without control characters.
pub(crate) fn printable(text: &[u8]) -> String {
    const LONGEST: usize = 80;
    let short = &text[..text.len().min(LONGEST)];
    let more = if short.len() < text.len() { "..." } else { "" };
    format!("`{}`{more}", short.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_causes_few_lines_and_is_counted() {
        let notices = Notices::new(Progress::new(false));
        let (begin, one) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
        let line = |kind, peer, seconds| {
            notices.line(kind, peer, "text", begin + Duration::from_secs(seconds))
        };
        assert_eq!(line(Kind::Login, one, 0).unwrap(), "10.0.0.1: text");
        assert!((0..1000).all(|_| line(Kind::Login, one, 59).is_none()));
        assert_eq!(line(Kind::Host, one, 59).unwrap(), "10.0.0.1: text");
        let expected = "10.0.0.1: text (1000 more such events since the last line)";
        assert_eq!(line(Kind::Login, one, 60).unwrap(), expected);
        let many = (0..1000_u32).filter_map(|peer| line(Kind::Slow, IpAddr::V4(peer.into()), 61));
        assert_eq!(many.count(), MOST - 2);
        let expected = "10.0.0.1: text (and 902 events of other peers)";
        assert_eq!(line(Kind::CrossSite, one, 200).unwrap(), expected);
    }

    #[test]
    fn text_of_clients_is_short_and_printable() {
        assert_eq!(printable(b"a\n\x1b[2Jb\xff"), "`a\\n\\x1b[2Jb\\xff`");
        assert!(printable(&[b'x'; 1000]).len() < 100);
    }
}
