//! The HTTP API for operators and their programs: jobs and releases, in JSON.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /api/jobs` | takes a job on: 202, and its place in `Location` |
//! | `GET /api/jobs` | all jobs, the newest first |
//! | `GET /api/jobs/{id}` | one job |
//! | `GET /api/jobs/{id}/events` | what happens, as server-sent events until the job is over |
//! | `DELETE /api/jobs/{id}` | cancels a job: 202 |
//! | `GET /api/releases` | what is live, what was, what is staged, and what each publisher has |
//!
//! What is refused or fails is `application/problem+json` with a remedy: see [`ApiError`](crate::api_error::ApiError).

mod events;
mod jobs;
mod releases;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The routes below `/api/jobs` and `/api/releases`.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/jobs", post(jobs::submit).get(jobs::list))
        .route("/api/jobs/{id}", get(jobs::show).delete(jobs::cancel))
        .route("/api/jobs/{id}/events", get(events::follow))
        .route("/api/releases", get(releases::list))
}
