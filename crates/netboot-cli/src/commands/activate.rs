//! `netboot activate`: makes a staged release live.

use clap::Args;
use netboot_core::{ReleaseId, Report};
use netboot_publish::Publisher;

use crate::answer::Answer;
use crate::published_machines::lost;
use crate::published_target::{PublishedTarget, until_cancelled};
use crate::publisher_options::PublisherOptions;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;
use crate::shown_receipt;
use crate::went_live::{self, JSON};

#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The release: the first digits of its id are enough.
    release: ReleasePrefix,

    /// Make a release live that lists no machines, although the live release lists some.
    #[arg(long)]
    without_machines: bool,

    #[command(flatten)]
    options: PublisherOptions,
}

impl Arguments {
    /// Makes the release live. The answer is its whole id.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let settings = self.options.read(session)?;
        let publisher = self.target.change(&settings, session).await?;
        let release = self.release.find(&publisher, session).await?;
        if !self.without_machines {
            self.require_machines(&publisher, &release, session).await?;
        }
        let receipt = match publisher.activate(&release, &session.context).await {
            Ok(receipt) => receipt,
            Err(error) => {
                return Err(went_live::failure(error, &publisher, Some(&release), session).await);
            }
        };
        for line in shown_receipt::lines(&receipt) {
            session.progress.line(&line);
        }
        went_live::tell_lost_machines(&publisher, &receipt, session).await;
        Ok(went_live::answer(self.target.as_str(), &receipt))
    }

    /// Refuses a release without machines if the live one has some.
    async fn require_machines(
        &self,
        publisher: &Publisher,
        release: &ReleaseId,
        session: &Session,
    ) -> Result<(), Report> {
        // Activation itself refuses a pointer or a release that cannot be used.
        let Ok(Some(live)) = until_cancelled(session, publisher.live()).await else {
            return Ok(());
        };
        let Some(lost) = until_cancelled(session, lost(publisher, &live, release)).await? else {
            return Ok(());
        };
        if !lost.is_all {
            return Ok(());
        }
        Err(Report::message(
            format!(
                "release {} lists no machines, and the live release has scripts for {lost}",
                release.short()
            ),
            "publish its images again with the list of machines, or leave the machines out on \
             purpose: `--without-machines`",
        ))
    }
}
