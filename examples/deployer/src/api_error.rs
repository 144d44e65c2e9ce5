//! The answer to a refused or failed request: `application/problem+json` (RFC 9457) with a remedy.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::causes::with_causes;

/// The body of the answer.
#[derive(Debug, Serialize)]
pub(crate) struct ApiError {
    /// The status code of the answer.
    status: u16,
    /// The failure and its causes.
    error: String,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl ApiError {
    /// An error that this service detects.
    pub(crate) fn new(
        status: StatusCode,
        error: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { status: status.as_u16(), error: error.into(), hint: Some(hint.into()) }
    }

    /// An error of a library: the error and its causes on one line, and its remedy.
    pub(crate) fn of(
        status: StatusCode,
        error: &(dyn std::error::Error + 'static),
        hint: Option<String>,
    ) -> Self {
        Self { status: status.as_u16(), error: with_causes(error), hint }
    }

    /// The answer to a mutating request without the token.
    pub(crate) fn unauthorized() -> Self {
        let hint = "send the header `Authorization: Bearer <token>` with the token of the service";
        Self::new(StatusCode::UNAUTHORIZED, "the bearer token is missing or wrong", hint)
    }
}

impl From<netboot_publish::Error> for ApiError {
    /// A target that cannot be read. It is behind this service, like the upstream of a proxy.
    fn from(error: netboot_publish::Error) -> Self {
        Self::of(StatusCode::BAD_GATEWAY, &error, error.hint())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // Text and numbers can always be serialised.
        let body = serde_json::to_string(&self).unwrap_or_default();
        // The number was made from a status code.
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
