//! `GET /api/jobs/{id}/events`: what happens during a job, as server-sent events.
//!
//! Each has the number of the job's event as its `id`, so that a client that lost its connection
//! goes on behind the last one that it has, as browsers do by themselves (`Last-Event-ID`). An
//! `event: state` has the job's new state; an `event: event` has what the library reports, as
//! [`netboot_core::Event`] is serialised. The stream ends behind the job's last state; asked again
//! with that number, the answer is 204, which tells a browser not to ask again (HTML, "Server-sent
//! events").

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};
use netboot_core::CancellationToken;
use tokio::sync::watch;

use super::jobs::parse_id;
use crate::api_error::ApiError;
use crate::app::App;
use crate::jobs::{EventLog, Extent, Happened, LogEntry};

/// Follows a job.
pub(super) async fn follow(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let log = app.jobs.events(id).await?;
    let extent = log.watch();
    let last = last_read(&headers, *extent.borrow());
    if extent.borrow().closed && log.after(last).is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follower = Follower { shutdown: app.shutdown.clone(), log, extent, last };
    let events = follower.events();
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// The number of the last event that a client has. One that there is not (yet) is that of an event
/// which a loss of power took back: what comes in its place is new to the client.
fn last_read(headers: &HeaderMap, extent: Extent) -> usize {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    extent.count.min(last.unwrap_or(0))
}

/// A client that reads along.
struct Follower {
    shutdown: CancellationToken,
    log: Arc<EventLog>,
    extent: watch::Receiver<Extent>,
    last: usize,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold((self, VecDeque::new()), |(mut follower, mut ready)| async move {
            if ready.is_empty() {
                ready.extend(follower.next().await?);
            }
            let entry: Arc<LogEntry> = ready.pop_front()?;
            follower.last = entry.id;
            Some((Ok(to_event(&entry)), (follower, ready)))
        })
    }

    /// The next ones, once there are any; `None` when there will be no more.
    async fn next(&mut self) -> Option<Vec<Arc<LogEntry>>> {
        loop {
            // Looked at before the log: nothing comes behind its end.
            let closed = self.extent.borrow_and_update().closed;
            let entries = self.log.after(self.last);
            if !entries.is_empty() {
                return Some(entries);
            }
            if closed {
                return None;
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return None,
                changed = self.extent.changed() => changed.ok()?,
            }
        }
    }
}

fn to_event(entry: &LogEntry) -> Event {
    let name = match &entry.what {
        Happened::State { .. } => "state",
        Happened::Event(_) => "event",
    };
    let data = serde_json::to_string(entry).unwrap_or_default();
    Event::default().id(entry.id.to_string()).event(name).data(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_on_behind_what_it_has_and_never_behind_what_there_is_not() {
        let extent = Extent { count: 7, closed: false };
        let last = |value: &str| {
            last_read(
                &HeaderMap::from_iter([("last-event-id".parse().unwrap(), value.parse().unwrap())]),
                extent,
            )
        };
        assert_eq!([last("0"), last("5"), last("7"), last("8"), last("99999")], [0, 5, 7, 7, 7]);
        assert_eq!([last(""), last("x"), last("-1")], [0, 0, 0]);
        assert_eq!(last_read(&HeaderMap::new(), extent), 0);
    }
}
