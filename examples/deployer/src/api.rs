//! The HTTP API for operators and their programs: jobs and releases, in JSON.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /api/jobs` | accepts a job: 202, with its URL in `Location` |
//! | `GET /api/jobs` | returns all jobs, newest first |
//! | `GET /api/jobs/{id}` | returns one job |
//! | `GET /api/jobs/{id}/events` | streams the job's events; `?after=latest` skips old ones |
//! | `DELETE /api/jobs/{id}` | cancels a job: 202 |
//! | `GET /api/releases` | returns the live, earlier and staged releases, and each publisher's |
//!
//! A request that is refused or fails is answered with `application/problem+json` and a remedy:
//! see [`ApiError`](crate::api_error::ApiError).

mod events;
mod jobs;
mod releases;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::app::App;

/// The routes below `/api/jobs` and `/api/releases`.
pub(crate) fn routes() -> Router<Arc<App>> {
    // A request has a few hundred bytes.
    let limit = DefaultBodyLimit::max(64 * 1024);
    Router::new()
        .route("/api/jobs", post(jobs::submit).get(jobs::list))
        .route("/api/jobs/{id}", get(jobs::show).delete(jobs::cancel))
        .route("/api/jobs/{id}/events", get(events::follow))
        .route("/api/releases", get(releases::list))
        .layer(limit)
}
