//! `GET|POST /api/machines/{name}/attestation`: a machine proves which release it booted.
//!
//! Everybody who reaches this service can ask and send. Only a quote by the machine's own key, with
//! a nonce that the machine was given, changes what operators see.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use netboot_attestation::{Error, Evidence, PcrValues, recognise};
use netboot_core::{BackendError, ReleaseId, Sha256Digest};
use serde::{Deserialize, Serialize};

use super::proof::{Outcome, Proof};
use crate::api_error::ApiError;
use crate::app::App;
use crate::machines::{known, no_such_machine};
use crate::reports::{MachineId, latest_boot};
use crate::timestamp::Timestamp;

/// The greatest size of a quote with everything beside it, in bytes. It has about 2000.
const LIMIT: usize = 16 * 1024;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/machines/{name}/attestation", get(challenge).post(attest))
        .layer(DefaultBodyLimit::max(LIMIT))
}

/// The state of a machine, and the nonce for its next quote.
#[derive(Debug, Serialize)]
struct Challenge {
    /// In hexadecimal digits, for `tpm2_quote --qualification`.
    nonce: String,
    #[serde(flatten)]
    state: Attested,
}

/// The release that a machine booted.
#[derive(Debug, Serialize)]
struct Attested {
    machine: String,
    /// The proof of its TPM since its latest boot.
    proof: Option<Proof>,
    /// The release that it got at its latest boot, by its reports.
    said: Option<ReleaseId>,
}

/// A quote as a machine sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    /// The public area of its key, its quote and its signature, in Base64.
    key: String,
    quote: String,
    signature: String,
    pcrs: SentPcrs,
}

/// The PCRs as Linux shows them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SentPcrs {
    #[serde(rename = "4")]
    four: String,
    #[serde(rename = "11")]
    eleven: String,
    #[serde(rename = "12")]
    twelve: String,
}

async fn challenge(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Challenge>, ApiError> {
    key_of(&app, &name)?;
    let nonce = app.attestations.issue(&name).map_err(|error| refusal(&error))?;
    Ok(Json(Challenge { nonce: hex::encode(nonce.as_bytes()), state: state(&app, &name)? }))
}

async fn attest(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    sent: Result<Json<Sent>, JsonRejection>,
) -> Result<Json<Attested>, ApiError> {
    let expected_key = key_of(&app, &name)?;
    let Json(sent) =
        sent.map_err(|rejection| malformed(rejection.status(), rejection.body_text()))?;
    let [key, quote, signature] = [&sent.key, &sent.quote, &sent.signature]
        .map(|text| STANDARD.decode(text.trim()).map_err(|_| bad("a part is no Base64")));
    let (key, quote, signature) = (key?, quote?, signature?);
    let evidence =
        Evidence { key: &key, quote: &quote, signature: &signature, pcrs: sent.pcrs.values()? };
    let vouched = evidence.verify().map_err(|error| refusal(&error))?;
    vouched.require_key(&expected_key).map_err(|error| refusal(&error))?;
    app.attestations.redeem(&name, &vouched).map_err(|error| refusal(&error))?;
    let systems = app.attestations.expected.of(app.deployment.served()).await;
    let systems = systems.map_err(|error| {
        ApiError::of(StatusCode::BAD_GATEWAY, &error, error.hint().map(str::to_owned))
    })?;
    let outcome = match recognise(&vouched.pcrs, &systems) {
        Ok(system) => {
            let (release, profile) = system.label.clone();
            Outcome::Proven { release, profile }
        }
        Err(problem) => Outcome::Unrecognised(problem),
    };
    let reports = app.reports.of(&MachineId::Known(name.clone()));
    let boot = latest_boot(&reports).first().cloned();
    let (at, reset_count) = (Timestamp::now(), vouched.reset_count);
    app.attestations.note(&name, Proof { at, reset_count, outcome, boot });
    Ok(Json(state(&app, &name)?))
}

fn state(app: &App, name: &str) -> Result<Attested, ApiError> {
    let machine = known(app, name).ok_or_else(|| no_such_machine(name))?;
    Ok(Attested { machine: machine.name, proof: machine.proof, said: machine.release })
}

/// The digest of the machine's key in the configuration.
fn key_of(app: &App, name: &str) -> Result<Sha256Digest, ApiError> {
    let machine = app.deployment.config.machines.get(name);
    let machine = machine.ok_or_else(|| no_such_machine(name))?;
    machine.attestation_key.ok_or_else(|| {
        let hint = "write the digest of its key into the configuration as attestation-key";
        let error = format!("the machine `{name}` has no attestation key");
        ApiError::new(StatusCode::NOT_FOUND, error, hint)
    })
}

impl SentPcrs {
    fn values(&self) -> Result<PcrValues, ApiError> {
        let value = |text: &str| {
            let value = text.trim().to_ascii_lowercase().parse::<Sha256Digest>();
            value.map_err(|_| bad("a PCR does not have 64 hexadecimal digits"))
        };
        Ok(PcrValues::new(value(&self.four)?, value(&self.eleven)?, value(&self.twelve)?))
    }
}

fn bad(error: &str) -> ApiError {
    malformed(StatusCode::BAD_REQUEST, error.to_owned())
}

fn malformed(status: StatusCode, error: String) -> ApiError {
    let hint = "send an object with key, quote and signature in Base64, and pcrs with the values \
                of 4, 11 and 12 in hexadecimal digits";
    ApiError::new(status, error, hint)
}

fn refusal(error: &Error) -> ApiError {
    let status = match error {
        Error::TooManyNonces { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::NoRandomness => StatusCode::INTERNAL_SERVER_ERROR,
        Error::Unusable { .. } | Error::TooLarge { .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::FORBIDDEN,
    };
    ApiError::of(status, error, error.hint())
}
