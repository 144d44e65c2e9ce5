//! The request by which a machine reports, and whose it is.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use netboot_ipxe::Fleet;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{Report, Stage};
use crate::app::App;
use crate::boot::Identity;
use crate::timestamp::Timestamp;

/// Whose a report is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MachineId {
    /// A machine of the configuration, by its name.
    Known(String),
    /// Another one, by its card's address or its UUID.
    Unknown(String),
}

/// `GET` since iPXE knows nothing else without the command `param`; `POST` for those who can.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/report", get(report).post(report))
}

/// Takes a report. Whoever reaches this service can send any: it is kept within bounds and shown
/// to operators, and nothing is decided by it. Only the query is read.
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
        let text = "stage is none of dhcp, kernel, initrd, init, failed and refused\n";
        return (StatusCode::BAD_REQUEST, text.to_owned());
    };
    let claimed = parameter("machine");
    let Some(machine) = identify(&app, &identity, claimed.as_deref()) else {
        let text = "neither mac nor uuid is given, and no machine that is known\n";
        return (StatusCode::BAD_REQUEST, text.to_owned());
    };
    let report = Report {
        at: Timestamp::now(),
        stage,
        address: peer.ip().to_canonical(),
        mac: identity.macs.first().copied(),
        uuid: identity.uuid,
        profile: parameter("profile").and_then(|profile| profile.parse().ok()),
        release: None,
        reason: None,
    };
    app.reports.note(machine, report);
    // iPXE takes an empty answer for a failure.
    (StatusCode::OK, "noted\n".to_owned())
}

/// Whose a request is: the machine that the fleet finds; or else the one that was seen with this
/// card, since a machine that is found by its serial number does not repeat it in every report; or
/// else the one that it says it is, if there is such a one; or a stranger.
pub(crate) fn identify(app: &App, identity: &Identity, claimed: Option<&str>) -> Option<MachineId> {
    let found = one_of(&app.config.fleet, identity);
    let seen = identity.macs.iter().find_map(|mac| app.reports.owner_of(*mac));
    let claimed = claimed.map(str::to_owned);
    let is_known = |name: &String| app.config.machines.contains_key(name);
    let known = [found, seen, claimed].into_iter().flatten().find(is_known);
    known.map(MachineId::Known).or_else(|| identity.own_name().map(MachineId::Unknown))
}

fn one_of(fleet: &Fleet, identity: &Identity) -> Option<String> {
    match fleet.closest_assignments(&identity.keys())[..] {
        [assignment] => Some(assignment.name().to_string()),
        _ => None,
    }
}
