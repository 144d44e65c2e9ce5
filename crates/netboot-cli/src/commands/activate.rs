//! `netboot activate`: makes a staged release live.

use clap::Args;
use netboot_core::Report;

use crate::answer::Answer;
use crate::published_target::PublishedTarget;
use crate::publisher_options::PublisherOptions;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;
use crate::went_live::{self, JSON};

#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The release: the first digits of its id are enough.
    release: ReleasePrefix,

    #[command(flatten)]
    options: PublisherOptions,
}

impl Arguments {
    /// Makes the release live. The answer is its whole id.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let settings = self.options.read(session)?;
        let publisher = self.target.change(&settings, session).await?;
        let release = self.release.find(&publisher, session).await?;
        let receipt = match publisher.activate(&release, &session.context).await {
            Ok(receipt) => receipt,
            Err(error) => {
                return Err(went_live::failure(error, &publisher, Some(&release), session).await);
            }
        };
        session.progress.line(&receipt.to_string());
        Ok(went_live::answer(self.target.as_str(), &receipt))
    }
}
