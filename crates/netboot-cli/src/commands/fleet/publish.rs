//! `netboot fleet publish`: the live images with another list of machines.

use clap::Args;
use netboot_core::Report;
use serde_json::Map;

use crate::answer::Answer;
use crate::failure::Cancelled;
use crate::publication::{Publication, answer};
use crate::publication_options::PublicationOptions;
use crate::published_target::until_cancelled;
use crate::session::Session;

const JSON: &str = "\
Standard output has the id of the release; with several targets, a line `ID TARGET` for each.

With --json:
  targets  the targets, as `netboot publish` tells them
  error    if a target failed: the first failure";

#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub(super) struct Arguments {
    /// A target whose images are published again: a directory, `s3://BUCKET/PREFIX`,
    /// `USER@HOST:/PATH`, `rsync://HOST/MODULE/PATH`, or a name from netboot.toml.
    #[arg(required = true, value_name = "TARGET")]
    targets: Vec<String>,

    #[command(flatten)]
    publication: PublicationOptions,
}

impl Arguments {
    /// Publishes the live images of each target again. Sends only the scripts that changed.
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let context = &session.context;
        match until_cancelled(session, Box::pin(self.open(session))).await {
            Err(_) if context.check().is_err() => Err(Cancelled::report("nothing was published")),
            Err(report) => Err(report),
            Ok(publication) => {
                let published = Box::pin(publication.publish(&[], context)).await?;
                answer(session, &published, Map::new())
            }
        }
    }

    async fn open(&self, session: &Session) -> Result<Publication, Report> {
        self.publication.require_machines(session)?;
        let mut publication = self.publication.open(session, &self.targets).await?;
        publication.require_live(session).await?;
        publication.rehearse(&[], session).await?;
        Ok(publication)
    }
}
