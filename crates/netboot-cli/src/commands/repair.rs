//! `netboot repair`: replaces damaged files of a target.

use std::collections::BTreeSet;

use bytesize::ByteSize;
use clap::Args;
use netboot_core::{ReleaseId, ReleasePath, Report, counted};
use netboot_publish::{Error, Publisher, RepairReport, RepairSource};
use serde_json::{Value, json};

use crate::answer::{Answer, FOUND};
use crate::places::Places;
use crate::published_target::{PublishedTarget, is_published, unless_cancelled, until_cancelled};
use crate::publisher_options::{ForeignOption, SigningOptions};
use crate::publisher_settings::PublisherSettings;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;
use crate::shown_findings;

/// The description of the answer, without the object of a finding.
const ANSWER: &str = "\
Prints what was repaired, and the damage that remains. The exit code is 3 if
damage remains.

With --json:
  target    the target, as it was written
  whole     true if no damage remains
  releases  the releases that were looked at. Each has:
    release       its id
    hashed_bytes  the number of bytes that were read to find damage
    sent          the files that were sent again. Each has:
      path        its path at the target
      size_bytes  its size
    found         the damage that was found
    remaining     the damage that remains. Each finding has:";

#[derive(Debug, Args)]
#[command(after_long_help = format!("{ANSWER}\n{}", shown_findings::JSON))]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The release, which may be gone from the target: the first digits of its id are enough. The
    /// default is every release of the target; or, if the target lost everything, every release of
    /// the other targets.
    release: Option<ReleasePrefix>,

    /// Take files from this other target, which also has the release. Can be repeated.
    #[arg(long, value_name = "TARGET", required = true)]
    from: Vec<String>,

    #[command(flatten)]
    options: SigningOptions,

    #[command(flatten)]
    foreign: ForeignOption,
}

impl Arguments {
    /// Reads every byte of the releases, and replaces what is damaged.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let mut settings = self.options.read_to_write(session)?;
        settings.replace_foreign = self.foreign.replace_foreign;
        let (target, reader) = self.target.open(settings.reader(), session).await?;
        let place = until_cancelled(session, reader.store().place()).await?;
        self.require_others(place, &settings, session).await?;
        let (mut mirrors, mut known) = (Vec::new(), BTreeSet::new());
        for from in &self.from {
            let mirror = PublishedTarget::new(from).read(settings.reader(), session).await?;
            known.extend(until_cancelled(session, mirror.releases()).await?);
            mirrors.push(mirror);
        }
        let has_something = until_cancelled(session, is_published(&reader)).await?;
        let publisher = settings.apply(target.publisher().await?);
        let (own, problem) = until_cancelled(session, releases(&publisher)).await?;
        let releases = match &self.release {
            Some(prefix) => BTreeSet::from([prefix.of(&known.union(&own).copied().collect())?]),
            None if has_something => own,
            None => {
                session.progress.line(&format!(
                    "`{target}` has nothing any more: its releases are taken from {}",
                    self.from.join(", ")
                ));
                known
            }
        };
        if let Some(problem) = &problem {
            session.progress.line(&problem.in_full());
        }
        let sources: Vec<RepairSource> = mirrors.iter().map(RepairSource::mirror).collect();
        let mut reports = Vec::new();
        let count = releases.len();
        for release in releases {
            let report = publisher.repair(&release, &sources, &session.context).await;
            let report = unless_cancelled(session, report, || {
                format!("{} of {} repaired", reports.len(), counted(count, "release"))
            })?;
            reports.push(report);
        }
        if !has_something {
            self.tell_live(&mirrors, session).await;
        }
        let is_whole = problem.is_none() && reports.iter().all(RepairReport::is_whole);
        let object = json!({
            "target": self.target.as_str(),
            "whole": is_whole,
            "releases": reports.iter().map(object).collect::<Vec<_>>(),
        });
        let text: Vec<String> = reports.iter().map(text).collect();
        let answer = Answer::new(text.join("\n"), object);
        Ok(if is_whole { answer } else { answer.with_exit_code(FOUND) })
    }

    /// Refuses a source that is the target itself or another source.
    async fn require_others(
        &self,
        target: String,
        settings: &PublisherSettings,
        session: &Session,
    ) -> Result<(), Report> {
        let hint = "name another target that has the release: `--from TARGET`";
        let mut places = Places::default();
        places.add(target, self.target.as_str(), hint)?;
        for from in &self.from {
            let (_, reader) = PublishedTarget::new(from).open(settings.reader(), session).await?;
            let place = until_cancelled(session, reader.store().place()).await?;
            places.add(place, from, hint)?;
        }
        Ok(())
    }

    /// Says how a target that lost its pointer gets one. Repair makes no release live, because a
    /// source may be older than what the target had.
    async fn tell_live(&self, mirrors: &[Publisher], session: &Session) {
        let target = self.target.as_str();
        for (mirror, from) in mirrors.iter().zip(&self.from) {
            if let Ok(Some(live)) = mirror.live().await {
                let release = live.short();
                session.progress.line(&format!(
                    "No release is live at `{target}` yet. Release {release} is live at `{from}`: \
                     `netboot activate {target} {release}` makes it live here as well."
                ));
                return;
            }
        }
    }
}

/// The releases at the target, and the live one, which may have lost its manifest. Also the problem
/// of a pointer whose history nobody can read: repair mends only releases then.
async fn releases(publisher: &Publisher) -> Result<(BTreeSet<ReleaseId>, Option<Report>), Error> {
    let mut releases = publisher.releases().await?;
    let problem = match publisher.history().await {
        Ok(history) => {
            let live = history.iter().filter(|entry| entry.live);
            releases.extend(live.map(|entry| entry.release));
            None
        }
        Err(
            error @ (Error::MalformedPointer { .. }
            | Error::UntrustedPointer { .. }
            | Error::ForeignFile { .. }),
        ) => Some(error.into()),
        Err(error) => return Err(error),
    };
    Ok((releases, problem))
}

fn text(report: &RepairReport) -> String {
    let RepairReport { release, found, mended, remaining, .. } = report;
    let (files, bytes) = (mended.len(), mended.values().sum::<u64>());
    let mut text = format!(
        "release {}: {}, sent {} again ({})",
        release.short(),
        counted(found.len(), "finding"),
        counted(files, "file"),
        ByteSize::b(bytes).display().iec(),
    );
    text.extend(mended.keys().map(|path| format!("\nrepaired `{path}`")));
    if !remaining.is_empty() {
        text.push_str("\nstill wrong:");
        shown_findings::add_text(&mut text, remaining);
    }
    text
}

fn object(report: &RepairReport) -> Value {
    json!({
        "release": report.release,
        "hashed_bytes": report.hashed_bytes,
        "sent": report.mended.iter().map(sent).collect::<Vec<_>>(),
        "found": shown_findings::objects(&report.found),
        "remaining": shown_findings::objects(&report.remaining),
    })
}

fn sent((path, size): (&ReleasePath, &u64)) -> Value {
    json!({ "path": path, "size_bytes": size })
}
