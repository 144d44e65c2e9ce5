//! `GET|POST /report`: the request by which a machine reports how far it came.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use netboot_closure::console::ConsoleLine;
use url::form_urlencoded;

use crate::app::App;
use crate::claims::Claimed;
use crate::identity::Identity;
use crate::reports::{Report, Stage};
use crate::timestamp::Timestamp;

/// iPXE without the command `param` can only send `GET`. Other clients can send `POST`.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/report", get(report).post(report))
}

/// Accepts a report. Only the query is read. A report with the nonce of an answer belongs to the
/// machine of that answer. Everybody who reaches this service can send any other report, so the
/// number of kept reports is limited, operators see them as unverified, and nothing depends on
/// them.
async fn report(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
) -> (StatusCode, String) {
    let query = query.unwrap_or_default();
    let identity = match Identity::parse(&query) {
        Ok(identity) => identity,
        Err(problem) => return (StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let parameter = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let Some(stage) = parameter("stage").and_then(|stage| Stage::from_machine(&stage)) else {
        let text = "stage is not one of dhcp, kernel, initrd, store, init, failed and refused\n";
        return (StatusCode::BAD_REQUEST, text.to_owned());
    };
    let line = parameter("line").as_deref().and_then(ConsoleLine::parse);
    if stage == Stage::Store && line.is_none() {
        let text = "line is no line of stage 1\n";
        return (StatusCode::BAD_REQUEST, text.to_owned());
    }
    let address = peer.ip().to_canonical();
    let profile = parameter("profile").and_then(|profile| profile.parse().ok());
    let nonce = parameter("nonce").and_then(|nonce| nonce.parse().ok());
    let verified = nonce.and_then(|nonce| {
        let (cards, profile) = (&identity.macs[..], profile.as_ref());
        app.claims.verify(&Claimed { nonce, stage, address, cards, profile })
    });
    let claimed = parameter("machine");
    let named = || app.identify(&identity, claimed.as_deref());
    let Some(machine) = verified.as_ref().map(|one| one.machine.clone()).or_else(named) else {
        let text = "the query has no mac, no uuid, and no known machine\n";
        return (StatusCode::BAD_REQUEST, text.to_owned());
    };
    let line = line.filter(|_| stage == Stage::Store);
    let gave_up = matches!(line, Some(ConsoleLine::Failed { .. }));
    let report = Report {
        at: Timestamp::now(),
        stage: if gave_up { Stage::Failed } else { stage },
        address,
        mac: identity.macs.first().copied(),
        uuid: identity.uuid,
        profile: verified.as_ref().map(|one| one.profile.clone()).or(profile),
        release: verified.as_ref().map(|one| one.release),
        reason: None,
        store: None,
        verified: verified.is_some(),
    };
    match line {
        Some(line) => app.reports.note_store(machine, report, &line),
        None => app.reports.note(machine, report),
    }
    // iPXE treats an empty answer as a failure.
    (StatusCode::OK, "noted\n".to_owned())
}
