//! `netboot diff`: what changed between two releases.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bytesize::ByteSize;
use clap::Args;
use netboot_core::{Content, ReleaseId, Report, counted};
use netboot_sbom::{Comparison, FileChange, PackageChange, PackageState, ReleaseComparison};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::published_target::PublishedTarget;
use crate::publisher_options::ReaderOptions;
use crate::release_bills::{find_release, read_bills};
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;

/// The description of the object that `--json` prints.
const JSON: &str = "\
Both releases need SBOMs: see `netboot build --sbom`.

With --json:
  before   the id of the first release
  after    the id of the second release
  came     the profiles that only the second release has
  went     the profiles that only the first release has
  changed  the profiles whose images differ. Each has:
    profile            its name
    size_bytes_before  the size of its store paths in the first release
    size_bytes_after   the same in the second release
    packages           the packages that differ. Each has:
      name             its name
      before           the package in the first release, or null. It has:
        versions       the versions
        size_bytes     the size of all its store paths
        store_paths    the store paths
      after            the same in the second release
    files              the files for the boot loader that differ. Each has
                       name, before and after, with size_bytes and:
        sha256         the digest";

#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The first release: the first digits of its id are enough.
    #[arg(value_name = "BEFORE")]
    before: ReleasePrefix,

    /// The second release. The default is the live release.
    #[arg(value_name = "AFTER")]
    after: Option<ReleasePrefix>,

    /// Another target, which has the second release.
    #[arg(long, value_name = "TARGET")]
    other: Option<String>,

    #[command(flatten)]
    options: ReaderOptions,
}

impl Arguments {
    /// Compares the two releases.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let settings = self.options.read(session)?;
        let first = self.target.read(&settings, session).await?;
        let other = self.other.as_deref().map(PublishedTarget::new);
        let second = match &other {
            Some(other) => &other.read(&settings, session).await?,
            None => &first,
        };
        let at = other.as_ref().unwrap_or(&self.target);
        let before = self.before.find(&first, session).await?;
        let after = find_release(self.after.as_ref(), at, second, session).await?;
        let comparison = ReleaseComparison::of(
            &read_bills(&first, &before, session).await?,
            &read_bills(second, &after, session).await?,
        );
        Ok(Answer::new(text(&comparison), object(&before, &after, &comparison)))
    }
}

fn object(before: &ReleaseId, after: &ReleaseId, comparison: &ReleaseComparison) -> Value {
    let changed = comparison.changed.iter().map(|(profile, changes)| {
        json!({
            "profile": profile,
            "size_bytes_before": changes.size_before,
            "size_bytes_after": changes.size_after,
            "packages": changes.packages.iter().map(package_object).collect::<Vec<_>>(),
            "files": changes.files.iter().map(file_object).collect::<Vec<_>>(),
        })
    });
    json!({
        "before": before,
        "after": after,
        "came": comparison.came,
        "went": comparison.went,
        "changed": changed.collect::<Vec<_>>(),
    })
}

fn package_object(change: &PackageChange) -> Value {
    let side = |state: &Option<PackageState>| {
        state.as_ref().map(|state| {
            json!({
                "versions": state.versions,
                "size_bytes": state.size,
                "store_paths": state.store_paths,
            })
        })
    };
    json!({ "name": change.name, "before": side(&change.before), "after": side(&change.after) })
}

fn file_object(change: &FileChange) -> Value {
    let side = |content: &Option<Content>| {
        content.map(|content| json!({ "size_bytes": content.size, "sha256": content.sha256 }))
    };
    json!({ "name": change.name, "before": side(&change.before), "after": side(&change.after) })
}

/// The changes for people. What was only built again is counted.
fn text(comparison: &ReleaseComparison) -> String {
    if comparison.is_empty() {
        return "nothing changed".to_owned();
    }
    let mut text = String::new();
    for profile in &comparison.went {
        let _ = writeln!(text, "{profile}: went");
    }
    for profile in &comparison.came {
        let _ = writeln!(text, "{profile}: came");
    }
    for (profile, changes) in &comparison.changed {
        let _ = writeln!(text, "{profile}: {}", total(changes));
        for change in changes.packages.iter().filter(|change| is_shown(change)) {
            let _ = writeln!(text, "  {}", package_line(change));
        }
        let again = changes.packages.iter().filter(|change| !is_shown(change)).count();
        if again > 0 {
            let _ = writeln!(text, "  {} built again, of the same size", counted(again, "package"));
        }
        for change in &changes.files {
            let size = |content: &Option<Content>| content.map_or(0, |content| content.size);
            let (before, after) = (size(&change.before), size(&change.after));
            let _ = writeln!(text, "  {}: {}", change.name, of_sizes(before, after));
        }
    }
    text
}

fn is_shown(change: &PackageChange) -> bool {
    change.is_of_version() || change.is_of_size()
}

fn total(changes: &Comparison) -> String {
    of_sizes(changes.size_before, changes.size_after)
}

fn package_line(change: &PackageChange) -> String {
    let name = &change.name;
    let size = |state: &Option<PackageState>| state.as_ref().map_or(0, |state| state.size);
    let difference = difference(size(&change.before), size(&change.after));
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.versions != after.versions => {
            let (before, after) = (versions(&before.versions), versions(&after.versions));
            format!("{name}: {before} -> {after}, {difference}")
        }
        (Some(before), Some(_)) => {
            format!("{name} {}: {difference}", versions(&before.versions))
        }
        (None, Some(after)) => format!("{name} {}: came, {difference}", versions(&after.versions)),
        (Some(before), None) => {
            format!("{name} {}: went, {difference}", versions(&before.versions))
        }
        (None, None) => name.clone(),
    }
}

fn versions(versions: &BTreeSet<String>) -> String {
    match versions.len() {
        0 => "without version".to_owned(),
        _ => versions.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn of_sizes(before: u64, after: u64) -> String {
    let shown = |bytes| ByteSize::b(bytes).display().iec().to_string();
    format!("{} -> {}, {}", shown(before), shown(after), difference(before, after))
}

fn difference(before: u64, after: u64) -> String {
    let size = ByteSize::b(after.abs_diff(before)).display().iec();
    match after.cmp(&before) {
        std::cmp::Ordering::Equal => "the same size".to_owned(),
        std::cmp::Ordering::Less => format!("-{size}"),
        std::cmp::Ordering::Greater => format!("+{size}"),
    }
}
