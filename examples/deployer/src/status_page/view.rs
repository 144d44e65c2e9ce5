//! All that the page shows.

use netboot_core::ReleaseId;
use netboot_ipxe::UnknownMachine;
use netboot_publish::HistoryEntry;
use serde::Serialize;
use url::Url;

use super::job_row::JobRow;
use super::machine_row::{Condition, MachineRow};
use super::release_row::{self, ReleaseRow};
use super::repeat_command::submit_command;
use crate::app::App;
use crate::causes::with_causes;
use crate::jobs::{Job, JobRequest};
use crate::machines::{self, MachineView, contains_words};

/// The number of finished jobs that are shown.
const SHOWN_JOBS: usize = 5;
/// The number of entries of the history that are shown.
const SHOWN_RELEASES: usize = 10;

/// The page. Ages are not part of it, only times.
#[derive(Debug, Default, Serialize)]
pub(super) struct View {
    /// The flake from which images are built, without credentials.
    pub(super) flake: String,
    /// The releases that were live, the live one first.
    pub(super) releases: Vec<ReleaseRow>,
    /// The profiles of the live release.
    pub(super) profiles: Vec<String>,
    /// The reason why the live release is not known.
    pub(super) error: Option<String>,
    /// The parts of the service that do not work.
    pub(super) problems: Vec<String>,
    /// Unfinished jobs and the latest finished ones, newest first.
    pub(super) jobs: Vec<JobRow>,
    /// The machines that contain the words of the filter, those that need attention first.
    pub(super) machines: Vec<MachineRow>,
    pub(super) strangers: Vec<MachineRow>,
    /// The treatment of unknown machines.
    pub(super) policy: String,
    /// The number of machines in each condition, known or not.
    pub(super) counts: Vec<Count>,
    /// The number of machines that need attention.
    pub(super) attention: usize,
    /// The number of machines in the configuration.
    pub(super) all_machines: usize,
    /// The words of the filter.
    pub(super) words: String,
    /// The command that builds and activates a release of all profiles.
    pub(super) deploy: Option<String>,
}

/// The number of machines in a condition.
#[derive(Debug, Serialize)]
pub(super) struct Count {
    pub(super) label: &'static str,
    pub(super) word: &'static str,
    pub(super) number: usize,
}

impl View {
    /// The view of a client that reaches the service under `base`, with the machines that contain
    /// these words.
    pub(super) async fn of(app: &App, words: &str, base: &Url) -> Self {
        let (history, error) = match app.deployment.served().recent_history(SHOWN_RELEASES).await {
            Ok(history) => (history, None),
            Err(error) => (Vec::new(), Some(with_causes(&error))),
        };
        let live = history.first().map(|entry| entry.release);
        let (machines, strangers): (Vec<_>, Vec<_>) =
            machines::all(app).into_iter().partition(|machine| machine.known);
        let (mut machines, mut strangers) = (rows(machines, live), rows(strangers, live));
        let all_machines = machines.len();
        let counts = counts(machines.iter().chain(&strangers));
        let attention = counts.iter().find(|count| count.word == Condition::Attention.word());
        for rows in [&mut machines, &mut strangers] {
            rows.retain(|row| contains_words(&row.search, words));
        }
        let deploy = JobRequest::Deploy { profiles: Vec::new(), prove: false };
        Self {
            flake: app.deployment.config.flake.to_string(),
            profiles: profiles(app, live).await,
            releases: releases(app, &history, base).await,
            error,
            problems: app.health.problems(),
            jobs: shown(app.jobs.list().await, base),
            attention: attention.map_or(0, |count| count.number),
            counts,
            machines,
            strangers,
            policy: match app.deployment.config.fleet.unknown() {
                UnknownMachine::Menu => "they show the menu".to_owned(),
                UnknownMachine::Profile(profile) => format!("they boot {profile}"),
                UnknownMachine::LocalDisk => "they boot their local disk".to_owned(),
                _ => "they are refused".to_owned(),
            },
            all_machines,
            words: words.to_owned(),
            deploy: submit_command(base, &deploy),
        }
    }
}

async fn profiles(app: &App, live: Option<ReleaseId>) -> Vec<String> {
    let Some(live) = live else { return Vec::new() };
    let images = app.deployment.served().images(&live).await.unwrap_or_default();
    images.iter().map(|image| image.profile().to_string()).collect()
}

async fn releases(app: &App, history: &[HistoryEntry], base: &Url) -> Vec<ReleaseRow> {
    let previous = app.deployment.served().previous().await.unwrap_or_default();
    release_row::rows(history, previous, base)
}

/// The rows of machines, those that need attention first. Otherwise the order stays.
fn rows(machines: Vec<MachineView>, live: Option<ReleaseId>) -> Vec<MachineRow> {
    let mut rows: Vec<MachineRow> =
        machines.into_iter().map(|machine| MachineRow::of(machine, live)).collect();
    rows.sort_by_key(|row| row.condition);
    rows
}

/// The summary. A menu or a local disk is only in it if a machine has one.
fn counts<'a>(rows: impl Iterator<Item = &'a MachineRow>) -> Vec<Count> {
    let conditions: Vec<Condition> = rows.map(|row| row.condition).collect();
    let count = |condition: Condition| Count {
        label: condition.label(),
        word: condition.word(),
        number: conditions.iter().filter(|other| **other == condition).count(),
    };
    let is_shown = |condition: &Condition| {
        *condition != Condition::Elsewhere || conditions.contains(condition)
    };
    Condition::ALL.into_iter().filter(is_shown).map(count).collect()
}

/// The unfinished jobs and the latest finished ones.
fn shown(mut jobs: Vec<Job>, base: &Url) -> Vec<JobRow> {
    jobs.sort_by_key(|job| std::cmp::Reverse(job.id));
    let (mut over, mut rows) = (0, Vec::new());
    for job in jobs {
        over += usize::from(job.state.is_final());
        if !job.state.is_final() || over <= SHOWN_JOBS {
            rows.push(JobRow::of(&job, base));
        }
    }
    rows
}
