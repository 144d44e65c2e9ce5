//! `netboot prune`: deletes releases that are no longer needed.

use std::time::Duration;

use clap::Args;
use netboot_core::{ReleaseId, Report};
use netboot_publish::Retention;
use serde_json::json;

use crate::answer::Answer;
use crate::at_least_one::at_least_one;
use crate::configuration::Configuration;
use crate::published_target::{PublishedTarget, unless_cancelled};
use crate::publisher_options::SigningOptions;
use crate::session::Session;

/// The description of the answer.
const ANSWER: &str = "\
Prints the whole ids of the deleted releases.

With --json:
  target             the target, as it was written
  dry_run            true if nothing was deleted
  kept               the ids of the releases that are kept
  deleted            the ids of the deleted releases
  left_alone         the ids of releases that stay, with a damaged manifest
  deleted_nar_infos  the paths of deleted descriptions of a binary cache
  deleted_blobs      the SHA-256 digests of the deleted blobs
  freed_bytes        the number of bytes that are freed";

#[derive(Debug, Args)]
#[command(after_long_help = ANSWER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The number of releases of each pointer's history to keep, including the live one. The
    /// default is that of netboot.toml, or 3.
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one::<usize>)]
    keep: Option<usize>,

    /// The number of hours to keep a release after it was last staged or live. The default is that
    /// of netboot.toml, or 24.
    #[arg(long, value_name = "HOURS")]
    grace: Option<u32>,

    /// Only print what would be deleted.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    options: SigningOptions,
}

impl Arguments {
    /// Deletes releases, and the files that only they use.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let settings = self.options.read(session)?;
        let retention = self.retention(session.configuration()?);
        let publisher = self.target.change_by_pointer(&settings, session).await?;
        let pruned = publisher.prune(&retention, &session.context).await;
        let pruned = unless_cancelled(session, pruned, || {
            if self.dry_run {
                "nothing was deleted".to_owned()
            } else {
                "what was not deleted is kept until you prune again".to_owned()
            }
        })?;
        session.progress.line(&pruned.to_string());
        for release in &pruned.left_alone {
            session.progress.line(&format!(
                "warning: release {} was left alone: its manifest is damaged",
                release.short()
            ));
        }
        let deleted: Vec<String> = pruned.deleted.iter().map(ReleaseId::to_string).collect();
        let object = json!({
            "target": self.target.as_str(),
            "dry_run": pruned.dry_run,
            "kept": pruned.kept,
            "deleted": pruned.deleted,
            "left_alone": pruned.left_alone,
            "deleted_nar_infos": pruned.deleted_nar_infos,
            "deleted_blobs": pruned.deleted_blobs,
            "freed_bytes": pruned.freed_bytes,
        });
        Ok(Answer::new(deleted.join("\n"), object))
    }

    fn retention(&self, configuration: &Configuration) -> Retention {
        let mut retention = match configuration.file() {
            Some(_) => configuration.retention.retention(),
            None => Retention::default(),
        };
        if let Some(keep) = self.keep {
            retention = retention.with_keep_last(keep);
        }
        if let Some(hours) = self.grace {
            retention = retention.with_grace(Duration::from_secs(3600) * hours);
        }
        retention.with_dry_run(self.dry_run)
    }
}
