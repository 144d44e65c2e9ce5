//! `GET /boot`: the script of one machine, for the live release.
//!
//! DHCP names this URL without a query. The answer is then the entry: a script that asks again and
//! says who the machine is. Your own script can ask with a query directly, for example with
//! `chain http://deployer:8080/boot?mac=${net0/mac}&uuid=${uuid}`.

mod answer;
mod decision;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use self::answer::Answer;
use crate::app::App;
use crate::claims::Asker;
use crate::identity::Identity;
use crate::notices::Kind;
use crate::reports::{MachineId, Report, Stage};
use crate::timestamp::Timestamp;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/boot", get(boot))
}

async fn boot(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return Answer::Entry.into_response(&app, &headers);
    };
    let identity = match Identity::parse(&query) {
        Ok(identity) => identity,
        Err(problem) => return Answer::Unreadable { problem }.into_response(&app, &headers),
    };
    let address = peer.ip().to_canonical();
    let (assigned, answer) = decision::decide(&app, &identity).await;
    if !matches!(assigned, Some(MachineId::Known(_))) {
        for doubt in decision::doubts(&app, &identity) {
            app.notices.tell(Kind::Identity, address, &doubt);
        }
    }
    if let Some(assigned) = assigned {
        let asker = Asker { machine: assigned, address, cards: identity.macs.clone() };
        app.claims.answer(&asker, answer.granted());
    }
    if let Some(machine) = app.identify(&identity, None) {
        let (release, profile) = answer.image().unzip();
        let report = Report {
            at: Timestamp::now(),
            stage: if answer.is_granted() { Stage::Script } else { Stage::Refused },
            address,
            mac: identity.macs.first().copied(),
            uuid: identity.uuid,
            profile,
            release,
            reason: answer.reason(),
            store: None,
            verified: true,
        };
        app.reports.note(machine, report);
    }
    answer.into_response(&app, &headers)
}
