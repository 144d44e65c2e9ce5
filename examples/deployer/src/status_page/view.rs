//! The texts that the page shows.

use std::time::Duration;

use netboot_core::ReleaseId;
use netboot_ipxe::UnknownMachine;
use serde::Serialize;
use serde_json::Value;

use super::store_row::StoreRow;
use crate::app::App;
use crate::causes::with_causes;
use crate::jobs::Job;
use crate::machines::{self, MachineView};
use crate::reports::Stage;
use crate::timestamp::Timestamp;

/// The time after which a machine that does not reach the next stage is shown as stuck.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// The number of finished jobs, and of releases, that are shown.
const SHOWN: usize = 5;
/// The stages of a machine that boots. Only a machine with a closure has a store.
const WAY: [Stage; 6] =
    [Stage::Dhcp, Stage::Script, Stage::Kernel, Stage::Initrd, Stage::Store, Stage::Init];

/// The page.
#[derive(Debug, Default, Serialize)]
pub(super) struct View {
    /// The time at which the page was made.
    now: String,
    /// The releases that were live, the live one first.
    releases: Vec<ReleaseRow>,
    /// The profiles of the live release.
    profiles: Vec<String>,
    /// The reason why the live release is not known.
    pub(super) error: Option<String>,
    /// The parts of the service that do not work.
    problems: Vec<String>,
    /// Unfinished jobs and the latest finished ones, newest first.
    jobs: Vec<JobRow>,
    machines: Vec<MachineRow>,
    pub(super) strangers: Vec<MachineRow>,
    /// The treatment of unknown machines.
    policy: String,
    /// The number of machines of each tone.
    counts: Counts,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    up: usize,
    booting: usize,
    stuck: usize,
    silent: usize,
}

#[derive(Debug, Serialize)]
struct ReleaseRow {
    id: String,
    short: String,
    kind: Value,
    when: When,
}

#[derive(Debug, Serialize)]
struct JobRow {
    id: String,
    kind: Value,
    state: Value,
    when: When,
    summary: Option<String>,
    errors: Vec<String>,
}

/// A time for people: how long ago, and exactly.
#[derive(Debug, Serialize)]
struct When {
    ago: String,
    exactly: String,
}

/// A machine.
#[derive(Debug, Default, Serialize)]
pub(super) struct MachineRow {
    pub(super) name: String,
    profile: Option<String>,
    matches: Vec<String>,
    labels: Vec<String>,
    /// `up`, `booting`, `stuck` or `silent`.
    tone: &'static str,
    steps: Vec<Step>,
    /// The last stage.
    stage: Option<&'static str>,
    when: Option<When>,
    address: Option<String>,
    /// True if anybody could have sent the last report.
    is_unverified: bool,
    release: Option<String>,
    /// True if that release is not the live one.
    is_other: bool,
    pub(super) reason: Option<String>,
    /// The part of its closure that the machine has.
    pub(super) store: Option<StoreRow>,
}

/// A stage of a machine that boots.
#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    when: Option<String>,
}

impl View {
    pub(super) async fn of(app: &App) -> Self {
        let (live, releases, error) = match app.deployment.served().history().await {
            Ok(history) => {
                let live = history.first().map(|entry| entry.release);
                let rows = history.into_iter().take(SHOWN).map(|entry| ReleaseRow {
                    id: entry.release.to_string(),
                    short: entry.release.short(),
                    kind: serde_json::to_value(entry.kind).unwrap_or_default(),
                    when: When::of(entry.activated_at.into()),
                });
                (live, rows.collect(), None)
            }
            Err(error) => (None, Vec::new(), Some(with_causes(&error))),
        };
        let images = match live {
            Some(live) => app.deployment.served().images(&live).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let (machines, strangers): (Vec<_>, Vec<_>) =
            machines::all(app).into_iter().partition(|machine| machine.known);
        let rows = |machines: Vec<MachineView>| -> Vec<MachineRow> {
            machines.into_iter().map(|machine| MachineRow::of(machine, live)).collect()
        };
        let (machines, strangers) = (rows(machines), rows(strangers));
        let count = |tone| machines.iter().filter(|machine| machine.tone == tone).count();
        Self {
            now: Timestamp::now().to_string(),
            profiles: images.iter().map(|image| image.profile().to_string()).collect(),
            releases,
            error,
            problems: app.health.problems(),
            jobs: shown(app.jobs.list().await),
            counts: Counts {
                up: count("up"),
                booting: count("booting"),
                stuck: count("stuck"),
                silent: count("silent"),
            },
            machines,
            strangers,
            policy: match app.deployment.config.fleet.unknown() {
                UnknownMachine::Menu => "they show the menu".to_owned(),
                UnknownMachine::Profile(profile) => format!("they boot {profile}"),
                UnknownMachine::LocalDisk => "they boot their local disk".to_owned(),
                _ => "they are refused".to_owned(),
            },
        }
    }
}

/// The unfinished jobs and the latest finished ones.
fn shown(mut jobs: Vec<Job>) -> Vec<JobRow> {
    jobs.sort_by_key(|job| std::cmp::Reverse(job.id));
    let (mut over, mut rows) = (0, Vec::new());
    for job in jobs {
        over += usize::from(job.state.is_final());
        if !job.state.is_final() || over <= SHOWN {
            rows.push(JobRow::of(&job));
        }
    }
    rows
}

impl JobRow {
    fn of(job: &Job) -> Self {
        let value = serde_json::to_value(job).unwrap_or_default();
        Self {
            id: job.id.to_string(),
            kind: value["kind"].clone(),
            state: value["state"].clone(),
            when: When::of(job.finished_at.or(job.started_at).unwrap_or(job.created_at)),
            summary: job.summary.clone(),
            errors: job.errors.iter().map(|failure| failure.error.clone()).collect(),
        }
    }
}

impl MachineRow {
    fn of(machine: MachineView, live: Option<ReleaseId>) -> Self {
        let last = machine.last.as_ref();
        let tone = match last.map(|last| (last.stage, last.at.age())) {
            None => "silent",
            Some((Stage::Init, _)) => "up",
            Some((Stage::Failed | Stage::Refused, _)) => "stuck",
            // It shows its menu or boots its disk, so no report is expected.
            Some((Stage::Script, _)) if last.is_some_and(|last| last.reason.is_some()) => "silent",
            Some((_, age)) if age > PATIENCE => "stuck",
            Some(_) => "booting",
        };
        let has_store = |stage: &Stage| *stage != Stage::Store || machine.store.is_some();
        let way = WAY.into_iter().filter(has_store);
        let step = |stage: Stage| Step {
            name: stage.as_str(),
            when: machine.boot.get(&stage).map(ToString::to_string),
        };
        Self {
            profile: machine.profile.as_ref().map(ToString::to_string),
            matches: machine.matches.clone(),
            labels: machine.labels.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            tone,
            steps: way.map(step).collect(),
            stage: last.map(|last| last.stage.as_str()),
            when: last.map(|last| When::of(last.at)),
            address: last.map(|last| last.address.to_string()),
            is_unverified: last.is_some_and(|last| !last.verified),
            release: machine.release.map(|release| release.short()),
            is_other: machine.release.is_some() && machine.release != live,
            reason: last.and_then(|last| last.reason.clone()),
            store: machine.store.as_ref().map(StoreRow::of),
            name: machine.name,
        }
    }
}

impl When {
    fn of(moment: Timestamp) -> Self {
        Self { ago: ago(moment.age()), exactly: moment.to_string() }
    }
}

fn ago(age: Duration) -> String {
    match age.as_secs() {
        0..5 => "just now".to_owned(),
        seconds @ 5..120 => format!("{seconds} s ago"),
        seconds @ 120..7200 => format!("{} min ago", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86400),
    }
}
