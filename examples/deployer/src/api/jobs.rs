//! The requests that submit, show and cancel jobs.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, FromRequest, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api_error::ApiError;
use crate::app::App;
use crate::jobs::{Job, JobId, JobRequest, no_such_job};
use crate::notices::Kind;

/// `POST /api/jobs`.
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, ApiError> {
    let limit = app.deployment.config.limits.body;
    let reading = Json::<JobRequest>::from_request(request, &());
    let read = tokio::time::timeout(limit, reading).await.map_err(|_| {
        let text = format!("did not send the body of its request within {limit:?}");
        app.notices.tell(Kind::Slow, peer.ip(), &text);
        let hint = "send the whole request at once";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "the body of the request did not arrive", hint)
    })?;
    let Json(request) = read.map_err(|rejection| {
        let hint = "send JSON such as {\"kind\":\"build\"} with Content-Type: application/json; the \
                    kinds are build, stage, prove, activate, rollback and deploy";
        ApiError::new(rejection.status(), rejection.body_text(), hint)
    })?;
    let job = whole(async move { app.jobs.submit(request).await }).await?;
    let place = format!("/api/jobs/{}", job.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(job)).into_response())
}

/// `GET /api/jobs`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Json<Vec<Job>> {
    Json(app.jobs.list().await)
}

/// `GET /api/jobs/{id}`.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Job>, ApiError> {
    let id = parse_id(&id)?;
    app.jobs.get(id).await.map(Json).ok_or_else(|| no_such_job(id))
}

/// `DELETE /api/jobs/{id}`.
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Job>), ApiError> {
    let id = parse_id(&id)?;
    let job = whole(async move { app.jobs.cancel(id).await }).await?;
    Ok((StatusCode::ACCEPTED, Json(job)))
}

/// Completes the work even if the client disconnects, which drops the handler. Otherwise a job
/// could be on the disk and not in memory.
async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let failed = |error| ApiError::of(StatusCode::INTERNAL_SERVER_ERROR, &error, None);
    tokio::spawn(work).await.map_err(failed)?
}

/// Parses a job's number. A job with any other name does not exist.
pub(super) fn parse_id(text: &str) -> Result<JobId, ApiError> {
    text.parse().map_err(|_| no_such_job(text))
}
