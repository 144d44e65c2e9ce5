//! `GET /healthz`: the parts of the service that do not work, and what that means.
//!
//! Machines depend on the directory with the releases, so the status is 503 if it cannot be read in
//! time. They do not depend on the other parts. The status is then 200: a load balancer that took
//! the service away would keep machines from booting.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use netboot_examples::Progress;

use crate::app::App;
use crate::causes::with_causes;

/// The part of the service that does not work while the releases cannot be read.
pub(crate) const PUBLISHED: &str = "the published releases";

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(healthz))
}

/// The time in which the directory with the releases has to answer.
const TARGET_LIMIT: Duration = Duration::from_secs(5);

/// `ok`, or `degraded` or `failed` and a line for each problem.
async fn healthz(State(app): State<Arc<App>>) -> (StatusCode, String) {
    let live = app.deployment.served().live();
    let problem = match tokio::time::timeout(TARGET_LIMIT, live).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(with_causes(&error)),
        Err(_) => Some(format!("no answer within {} s", TARGET_LIMIT.as_secs())),
    };
    match &problem {
        None => app.health.restore(PUBLISHED),
        Some(problem) => app.health.degrade(PUBLISHED, problem),
    }
    let problems = app.health.problems();
    let (status, first) = match (problem, problems.is_empty()) {
        (Some(_), _) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
        (None, false) => (StatusCode::OK, "degraded"),
        (None, true) => (StatusCode::OK, "ok"),
    };
    let lines = std::iter::once(first.to_owned()).chain(problems);
    (status, lines.map(|line| line + "\n").collect())
}

/// The problems that the service works around. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    problems: Arc<Mutex<BTreeMap<&'static str, String>>>,
    log: Progress,
}

impl Health {
    /// No problem. Changes are told in `log`.
    pub(crate) fn new(log: Progress) -> Self {
        Self { problems: Arc::default(), log }
    }

    /// Records that a part does not work. Only the first of several problems of one part is told
    /// in the log, not one for each of a thousand requests.
    pub(crate) fn degrade(&self, part: &'static str, problem: &str) {
        let problem = format!("{part}: {problem}");
        if self.lock().insert(part, problem.clone()).is_none() {
            self.log.line(&format!("warning: {problem}"));
        }
    }

    /// Records that a part works again.
    pub(crate) fn restore(&self, part: &'static str) {
        if self.lock().remove(part).is_some() {
            self.log.line(&format!("{part}: works again"));
        }
    }

    /// The problems, one line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.lock().values().map(|problem| problem.replace('\n', " ")).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
