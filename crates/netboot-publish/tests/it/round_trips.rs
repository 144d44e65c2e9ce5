//! Counts the requests to a server that depend on one another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use netboot_testbed::{FaultProxy, HttpFault, Moment, S3Server};

/// The time that each answer takes at least. Requests that do not depend on one another are made
/// within this time.
const DELAY: Duration = Duration::from_millis(100);

/// A proxy for an S3 server that tells how many round trips follow one another.
pub(crate) struct RoundTrips {
    pub(crate) proxy: FaultProxy,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The most requests of which each was made after an answer to the one before it.
    answered: u64,
    asked: HashMap<u64, u64>,
    /// The most requests that waited for their answers at once.
    at_once: usize,
    /// The methods and targets.
    requests: Vec<String>,
}

/// The requests for some work.
#[derive(Debug)]
pub(crate) struct Trips {
    /// The number of round trips one after another, or more on a busy machine.
    pub(crate) depth: u64,
    /// The most requests at once.
    pub(crate) at_once: usize,
    /// The methods and targets.
    pub(crate) requests: Vec<String>,
}

impl RoundTrips {
    pub(crate) fn to(server: &S3Server) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let proxy = FaultProxy::http(server.address(), move |request, moment| {
            let mut state = shared.lock().unwrap();
            match moment {
                Moment::Asked => {
                    let depth = state.answered + 1;
                    state.asked.insert(request.number, depth);
                    state.at_once = state.at_once.max(state.asked.len());
                    state.requests.push(format!("{} {}", request.method, request.target));
                    HttpFault::Delay(DELAY)
                }
                Moment::Answered => {
                    let depth = state.asked.remove(&request.number).unwrap_or(0);
                    state.answered = state.answered.max(depth);
                    HttpFault::None
                }
            }
        });
        Self { proxy, state }
    }

    /// Does some work, and tells its requests.
    pub(crate) async fn of<T>(&self, work: impl Future<Output = T>) -> (T, Trips) {
        *self.state.lock().unwrap() = State::default();
        let done = work.await;
        let state = self.state.lock().unwrap();
        let (depth, at_once) = (state.answered, state.at_once);
        (done, Trips { depth, at_once, requests: state.requests.clone() })
    }
}
