//! `GET /api/machines`: the machines, and how far each of them came.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use netboot_closure::console::StoreStatus;
use netboot_core::{MacAddress, ProfileName, ReleaseId};
use serde::{Deserialize, Serialize};

use crate::api_error::ApiError;
use crate::app::App;
use crate::attestation::Proof;
use crate::reports::{MachineId, Report, Stage, latest_boot};
use crate::timestamp::Timestamp;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/machines", get(list)).route("/api/machines/{name}", get(one))
}

/// A machine as operators see it.
#[derive(Debug, Serialize)]
pub(crate) struct MachineView {
    /// Its name. An unknown machine is named by its MAC address or UUID.
    pub(crate) name: String,
    /// True if it is in the configuration.
    pub(crate) known: bool,
    /// The profile that it boots by the configuration, or that an unknown machine reported.
    pub(crate) profile: Option<ProfileName>,
    /// The keys by which it is recognised.
    pub(crate) matches: Vec<String>,
    /// Notes of the operator.
    pub(crate) labels: BTreeMap<String, String>,
    /// The time of each stage of its latest boot.
    pub(crate) boot: BTreeMap<Stage, Timestamp>,
    /// The release whose image it got at its latest boot.
    pub(crate) release: Option<ReleaseId>,
    /// The last proof of its TPM that counted since its latest boot.
    pub(crate) proof: Option<Proof>,
    /// The messages of stage 1 at its latest boot, if the image has a closure.
    pub(crate) store: Option<StoreStatus>,
    /// Its last report.
    pub(crate) last: Option<Report>,
}

/// Filters for the list. A machine has to match all that are given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Words. Each is a part of the name, the profile, a key or a label. Upper and lower case are
    /// the same, and so are the spellings of a MAC address.
    q: Option<String>,
    /// A label, such as `rack=r1`, or the name of a label, such as `rack`.
    label: Option<String>,
    /// The stage of the last report.
    stage: Option<Stage>,
}

#[derive(Debug, Serialize)]
struct Machines {
    machines: Vec<MachineView>,
}

#[derive(Debug, Serialize)]
struct Details {
    #[serde(flatten)]
    machine: MachineView,
    /// The reports of the machine that are kept, oldest first.
    reports: Vec<Report>,
}

async fn list(
    State(app): State<Arc<App>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Machines>, ApiError> {
    let Query(wanted) = wanted.map_err(|rejection| {
        let hint = "filter the list with q=<text>, label=<name>=<value> and stage=<stage>";
        ApiError::new(rejection.status(), rejection.body_text(), hint)
    })?;
    let machines = all(&app).into_iter().filter(|machine| wanted.matches(machine));
    Ok(Json(Machines { machines: machines.collect() }))
}

async fn one(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Details>, ApiError> {
    let known = known(&app, &name);
    // A MAC address names a machine in any spelling.
    let name = match name.parse::<MacAddress>() {
        Ok(mac) if known.is_none() => mac.to_string(),
        _ => name,
    };
    let id = match known {
        Some(_) => MachineId::Known(name.clone()),
        None => MachineId::Unknown(name.clone()),
    };
    let reports = app.reports.of(&id);
    let machine = match known {
        Some(machine) => machine,
        None if reports.is_empty() => return Err(no_such_machine(&name)),
        None => stranger(name, &reports),
    };
    Ok(Json(Details { machine, reports }))
}

/// The machines of the configuration by name, then the unknown machines, latest first.
pub(crate) fn all(app: &App) -> Vec<MachineView> {
    let known = app.deployment.config.machines.keys().filter_map(|name| known(app, name));
    let strangers = app.reports.strangers().into_iter();
    known.chain(strangers.map(|(name, reports)| stranger(name, &reports))).collect()
}

/// A machine of the configuration.
pub(crate) fn known(app: &App, name: &str) -> Option<MachineView> {
    let machine = app.deployment.config.machines.get(name)?;
    let reports = app.reports.of(&MachineId::Known(name.to_owned()));
    Some(MachineView {
        name: machine.name.to_string(),
        known: true,
        profile: Some(machine.profile.clone()),
        matches: machine.selector.keys().iter().map(ToString::to_string).collect(),
        labels: machine.labels.clone(),
        boot: stages(&reports),
        release: release(&reports),
        proof: app.attestations.proof(name).filter(|proof| proof.is_of_boot(&reports)),
        store: store(&reports),
        last: reports.last().cloned(),
    })
}

fn stranger(name: String, reports: &[Report]) -> MachineView {
    MachineView {
        name,
        known: false,
        profile: reports.iter().rev().find_map(|report| report.profile.clone()),
        matches: Vec::new(),
        labels: BTreeMap::new(),
        boot: stages(reports),
        release: release(reports),
        proof: None,
        store: store(reports),
        last: reports.last().cloned(),
    }
}

fn stages(reports: &[Report]) -> BTreeMap<Stage, Timestamp> {
    latest_boot(reports).iter().map(|report| (report.stage, report.at)).collect()
}

/// The messages of stage 1. Unverified reports do not hide a verified one.
fn store(reports: &[Report]) -> Option<StoreStatus> {
    let of_stage_1 = latest_boot(reports).iter().filter(|report| report.store.is_some());
    let last = of_stage_1.max_by_key(|report| report.verified)?;
    last.store.as_deref().cloned()
}

fn release(reports: &[Report]) -> Option<ReleaseId> {
    latest_boot(reports).iter().find_map(|report| report.release)
}

impl MachineView {
    /// The text in which a machine is found, in lower case. It has each spelling of its MAC
    /// addresses.
    pub(crate) fn search_text(&self) -> String {
        let profile = self.profile.iter().map(ToString::to_string);
        let labels = self.labels.iter().map(|(name, value)| format!("{name}={value}"));
        let own = std::iter::once(self.name.clone()).chain(profile).chain(labels);
        let texts: Vec<String> = own.chain(self.matches.iter().cloned()).collect();
        let macs = texts.iter().filter_map(|text| text.rsplit(' ').next()?.parse().ok());
        let spellings =
            macs.flat_map(|mac: MacAddress| ["-", ""].map(|with| mac.separated_by(with)));
        let all: Vec<String> = texts.iter().cloned().chain(spellings).collect();
        all.join(" ").to_lowercase()
    }
}

/// Returns true if a text in lower case contains each of these words.
pub(crate) fn contains_words(text: &str, words: &str) -> bool {
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// The answer if no machine has the name.
pub(crate) fn no_such_machine(name: &str) -> ApiError {
    let hint = "choose a name from GET /api/machines; the section [machines] of the configuration \
                defines machines";
    let name: String = name.chars().take(80).collect();
    ApiError::new(StatusCode::NOT_FOUND, format!("there is no machine `{name}`"), hint)
}

impl Wanted {
    fn matches(&self, machine: &MachineView) -> bool {
        let labels = &machine.labels;
        let has_label = |wanted: &String| match wanted.split_once('=') {
            Some((name, value)) => labels.get(name).is_some_and(|label| label == value),
            None => labels.contains_key(wanted),
        };
        let has_text = |wanted: &String| contains_words(&machine.search_text(), wanted);
        let last = machine.last.as_ref().map(|last| last.stage);
        self.label.iter().all(has_label)
            && self.q.iter().all(has_text)
            && self.stage.is_none_or(|stage| last == Some(stage))
    }
}
