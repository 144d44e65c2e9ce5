//! `GET /healthz`: the parts of the service that do not work, and what that means.
//!
//! Machines depend on the directory with the releases, so the status is 503 if it cannot be read in
//! time. They do not depend on the other parts. The status is then 200: a load balancer that took
//! the service away would keep machines from booting.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::app::App;
use crate::causes::with_causes;
use crate::health::PUBLISHED;

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
