//! `netboot list`: the releases of a target.

mod pcrs;
mod sbom;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::SystemTime;

use bytesize::ByteSize;
use clap::Args;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use netboot_core::{ProfileName, Report};
use serde_json::{Value, json};

use crate::answer::{Answer, FAILED};
use crate::published_target::{PublishedTarget, until_cancelled};
use crate::publisher_options::ReaderOptions;
use crate::release_bills::{find_release, read_bills};
use crate::release_list::{self, ListedRelease, Listing, ReleaseState};
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;
use crate::shown_time::{ago, utc};

/// The description of the object that `--json` prints.
const JSON: &str = "\
With --json:
  target    the target, as it was written
  pointer   the pointer that decides what is live
  live      the id of the live release, or null
  pointer_problem  why the pointer cannot be used; the exit code is 1 then; or null
  releases  the live one, those that were live, those that are only
            staged, and those that pruning deleted, each group with the
            newest first. Each has:
    release       its id
    state         live, was-live, staged or deleted; or unknown if the
                  pointer cannot be used
    live_by       the other pointers that make it live
    whole         false if files of it are missing or have a wrong size
    trusted       false if too few trusted keys signed it
    activated_at  when it last went live, or null
    activation    how it went live: activated or rolled-back, or null
    staged_at     when it was last staged, by the target's clock, or null
    profiles      its profiles, or null if its manifest cannot be used
    ukis          the profiles whose image has a UKI, or null
    size_bytes    the size of its files, or null
    problem       why its manifest cannot be used, or null";

#[derive(Debug, Args)]
#[group(id = "details", multiple = false, args = ["sbom", "pcrs"])]
#[command(after_long_help = format!("{}\n\n{}\n\n{JSON}", sbom::JSON, pcrs::JSON))]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// Show what the images of a release consist of, instead of the releases. The release needs
    /// SBOMs: see `netboot build --sbom`.
    #[arg(long)]
    sbom: bool,

    /// Show the values that the PCRs 4, 11 and 12 of a TPM have after a machine booted the UKI of
    /// an image, instead of the releases. This reads each UKI to its end.
    #[arg(long)]
    pcrs: bool,

    /// With `--pcrs`, the iPXE that the firmware starts under Secure Boot, and that starts the UKI.
    /// Without it, the firmware starts the UKI itself.
    #[arg(long, value_name = "FILE", requires = "pcrs")]
    ipxe: Option<PathBuf>,

    /// With `--sbom` or `--pcrs`, the release: the first digits of its id are enough. The default
    /// is the live release for `--sbom`, and each release for `--pcrs`.
    #[arg(value_name = "RELEASE", requires = "details")]
    release: Option<ReleasePrefix>,

    #[command(flatten)]
    options: ReaderOptions,
}

impl Arguments {
    /// Lists the live release, those that were live, and those that are only staged.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let settings = self.options.read(session)?;
        let publisher = self.target.read(&settings, session).await?;
        if self.sbom {
            let prefix = self.release.as_ref();
            let release = find_release(prefix, &self.target, &publisher, session).await?;
            let bills = read_bills(&publisher, &release, session).await?;
            return Ok(sbom::answer(self.target.as_str(), &release, &bills));
        }
        if self.pcrs {
            let release = match &self.release {
                Some(release) => Some(release.find(&publisher, session).await?),
                None => None,
            };
            let boots = pcrs::boots(self.ipxe.as_deref())?;
            let releases = pcrs::read(&publisher, release, &boots, session).await?;
            return Ok(pcrs::answer(self.target.as_str(), &releases));
        }
        let listing = until_cancelled(session, release_list::list(&publisher)).await?;
        let Listing { releases: listed, problem: of_pointer } = listing;
        for problem in listed.iter().filter_map(problem) {
            session.progress.line(&format!("warning: {problem:?}"));
        }
        if let Some(problem) = &of_pointer {
            session.progress.line(&problem.in_full());
        }
        let live = listed.iter().find(|release| release.state == ReleaseState::Live);
        let object = json!({
            "target": self.target.as_str(),
            "pointer": publisher.pointer(),
            "live": live.map(|live| live.release),
            "pointer_problem": of_pointer.as_ref().map(ToString::to_string),
            "releases": listed.iter().map(object).collect::<Vec<_>>(),
        });
        let answer = Answer::new(text(&listed, SystemTime::now(), terminal_width()), object);
        Ok(if of_pointer.is_some() { answer.with_exit_code(FAILED) } else { answer })
    }
}

fn object(listed: &ListedRelease) -> Value {
    let content = listed.content.as_ref();
    json!({
        "release": listed.release,
        "state": listed.state,
        "live_by": listed.live_by,
        "whole": listed.is_whole,
        "trusted": listed.is_trusted,
        "activated_at": listed.activated.map(|(time, _)| utc(time)),
        "activation": listed.activated.map(|(_, kind)| kind),
        "staged_at": listed.staged_at.map(utc),
        "profiles": content.ok().map(|content| &content.profiles),
        "ukis": content.ok().map(|content| &content.ukis),
        "size_bytes": content.ok().map(|content| content.size),
        "problem": problem(listed).map(ToString::to_string),
    })
}

/// The reason why a manifest cannot be used. Pruning deletes manifests, which is no problem.
fn problem(listed: &ListedRelease) -> Option<&Report> {
    listed.content.as_ref().err().filter(|_| listed.state != ReleaseState::Deleted)
}

/// The releases as a table that is at most `width` columns wide.
fn text(listed: &[ListedRelease], now: SystemTime, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["RELEASE", "STATE", "WHEN", "SIZE", "PROFILES"]);
    if let Some(width) = width {
        table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    }
    for release in listed {
        table.add_row(row(release, now));
    }
    let last = table.column_count() - 1;
    for (position, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, u16::from(position < last)));
        // An id that is broken over two lines cannot be copied.
        if position == 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if position == last {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(8)));
        }
    }
    table.trim_fmt()
}

fn row(listed: &ListedRelease, now: SystemTime) -> [String; 5] {
    let is_deleted = listed.state == ReleaseState::Deleted;
    let whole = match listed {
        ListedRelease { is_trusted: false, .. } => ", not trusted",
        ListedRelease { is_whole: false, .. } if !is_deleted => ", no longer whole",
        _ => "",
    };
    let (size, profiles) = match &listed.content {
        Ok(content) => {
            let names = content.profiles.iter().map(ProfileName::to_string).collect::<Vec<_>>();
            (ByteSize::b(content.size).display().iec().to_string(), names.join(", "))
        }
        Err(_) if is_deleted => (String::new(), String::new()),
        Err(_) => ("?".to_owned(), "?".to_owned()),
    };
    [
        listed.release.short(),
        format!("{}{whole}", listed.shown_state()),
        listed.when().map_or_else(|| "?".to_owned(), |time| ago(time, now)),
        size,
        profiles,
    ]
}

/// The width of standard output, if it is a terminal.
fn terminal_width() -> Option<u16> {
    let output = std::io::stdout();
    let size = output.is_terminal().then(|| terminal_size::terminal_size_of(&output)).flatten();
    size.map(|(terminal_size::Width(columns), _)| columns)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use netboot_publish::ActivationKind;

    use super::*;
    use crate::release_list::ReleaseContent;

    #[test]
    fn the_table_fits_a_terminal() {
        let now = SystemTime::now();
        let listed = |digit: &str, state, is_whole, profiles: &[&str]| ListedRelease {
            release: digit.repeat(64).parse().unwrap(),
            state,
            live_by: Vec::new(),
            has_other_pointers: false,
            activated: Some((now - Duration::from_secs(180), ActivationKind::Activated)),
            staged_at: None,
            is_whole,
            is_trusted: true,
            content: Ok(ReleaseContent {
                profiles: profiles.iter().map(|name| name.parse().unwrap()).collect(),
                ukis: Vec::new(),
                size: 700 << 20,
            }),
        };
        let many = ["control-plane", "worker", "all-in-one", "storage-with-a-long-name"];
        let releases = [
            listed("a", ReleaseState::Live, true, &many),
            listed("b", ReleaseState::WasLive, false, &["worker"]),
        ];
        for width in [44, 80, 200] {
            let table = text(&releases, now, Some(width));
            let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= usize::from(width), "{width}: {table}");
            let header = table.lines().next().unwrap();
            assert!(header.ends_with("PROFILES"), "no word of the header is broken: {table}");
            let first = table.lines().nth(1).unwrap();
            assert!(first.starts_with("aaaaaaaaaaaa "), "no id is broken: {table}");
            assert!(table.contains(" minutes"), "no word is broken: {table}");
        }
        let table = text(&releases, now, None);
        assert_eq!(table.lines().count(), 3, "in a file, each release is one line: {table}");
        assert!(table.contains("3 minutes ago") && table.contains("700.0 MiB"), "{table}");
        assert!(table.contains("was live, no longer whole"), "{table}");
    }
}
