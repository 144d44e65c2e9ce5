//! `GET /api/jobs/{id}/events`: the events of a job, as server-sent events.
//!
//! The `id` of each is the number of the job's event. A client that lost its connection therefore
//! continues after the last event that it received, as browsers do (`Last-Event-ID`). With
//! `?after=latest`, a new client gets the latest event and those that follow, without the rest of
//! the log.
//!
//! An `event: state` has the job's new state. An `event: event` has a report of the library: a
//! serialised [`netboot_core::Event`]. The stream ends after the job's last state. If a client asks
//! again with that number, the answer is 204, which tells a browser to stop asking (HTML,
//! "Server-sent events").

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};
use netboot_core::CancellationToken;
use serde::Deserialize;
use tokio::sync::watch;

use super::jobs::parse_id;
use crate::api_error::ApiError;
use crate::app::App;
use crate::jobs::{EventLog, EventReader, Extent, JobEvent, LogEntry};
use crate::per_peer::Taken;

/// The place in the log from which a client wants to read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    after: Option<After>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum After {
    /// Where the log ends now, and its last event for the beginning.
    Latest,
}

/// Follows a job.
pub(super) async fn follow(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    start: Result<Query<Start>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let Query(start) = start.map_err(|rejection| {
        let hint = "ask without a query, or with after=latest";
        ApiError::new(rejection.status(), rejection.body_text(), hint)
    })?;
    let place = app.event_streams.take(peer.ip()).ok_or_else(too_many_streams)?;
    let log = app.jobs.events(id).await?;
    let extent = log.watch();
    let all = *extent.borrow();
    let last = last_read(&headers, all).unwrap_or(match start.after {
        Some(After::Latest) => all.count.saturating_sub(1),
        None => 0,
    });
    if all.closed && last == all.count {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // An open file can still be read if its directory is moved or removed later.
    let reader = if last < all.count { log.reader(last).await.ok() } else { None };
    let shutdown = app.shutdown.clone();
    let follower = Follower { shutdown, log, extent, reader, last, _place: place };
    Ok(Sse::new(follower.events()).keep_alive(KeepAlive::default()).into_response())
}

fn too_many_streams() -> ApiError {
    let hint = "close other event streams, or ask for GET /api/jobs/{id}; the configuration can \
                allow more of them (limits.event-streams)";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many event streams are open", hint)
}

/// The number of the last event that a client says that it has. If it is higher than the number of
/// events, the server lost events at a loss of power, and the events in their place are new to the
/// client.
fn last_read(headers: &HeaderMap, extent: Extent) -> Option<usize> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    last.map(|last: usize| extent.count.min(last))
}

/// A client that reads the events as they happen.
struct Follower {
    shutdown: CancellationToken,
    log: Arc<EventLog>,
    extent: watch::Receiver<Extent>,
    /// The reader, once there is an event to read.
    reader: Option<EventReader>,
    last: usize,
    _place: Taken,
}

impl Follower {
    fn events(self) -> impl Stream<Item = io::Result<Event>> {
        stream::try_unfold(self, |mut follower| async move {
            let event = follower.next().await?;
            Ok(event.map(|event| (event, follower)))
        })
    }

    /// Waits for the next event. Returns `None` if there will be no more.
    async fn next(&mut self) -> io::Result<Option<Event>> {
        loop {
            let extent = *self.extent.borrow_and_update();
            if self.last < extent.count {
                let reader = match &mut self.reader {
                    Some(reader) => reader,
                    None => self.reader.insert(self.log.reader(self.last).await?),
                };
                let Some(line) = reader.next(extent.length).await? else { return Ok(None) };
                self.last += 1;
                return to_event(self.last, line).map(Some);
            }
            if extent.closed {
                return Ok(None);
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return Ok(None),
                changed = self.extent.changed() => if changed.is_err() {
                    return Ok(None);
                }
            }
        }
    }
}

fn to_event(id: usize, line: String) -> io::Result<Event> {
    let entry: LogEntry = serde_json::from_str(&line)?;
    let name = match entry.what {
        JobEvent::State { .. } => "state",
        JobEvent::Event(_) => "event",
    };
    Ok(Event::default().id(id.to_string()).event(name).data(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_continues_after_its_last_event_and_never_after_the_end() {
        let extent = Extent { count: 7, ..Extent::default() };
        let last = |value: &str| {
            last_read(
                &HeaderMap::from_iter([("last-event-id".parse().unwrap(), value.parse().unwrap())]),
                extent,
            )
        };
        let lasts = ["0", "5", "7", "8", "99999"].map(|value| last(value).unwrap());
        assert_eq!(lasts, [0, 5, 7, 7, 7]);
        assert_eq!([last(""), last("x"), last("-1")], [None; 3]);
        assert_eq!(last_read(&HeaderMap::new(), extent), None);
    }
}
