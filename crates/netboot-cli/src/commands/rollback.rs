//! `netboot rollback`: makes an earlier release the live one again.

use std::time::SystemTime;

use clap::Args;
use netboot_core::Report;
use netboot_publish::{HistoryEntry, Outcome, Receipt, RollbackTo};

use crate::answer::Answer;
use crate::published_target::{PublishedTarget, until_cancelled};
use crate::publisher_options::PublisherOptions;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;
use crate::shown_time::ago;
use crate::went_live::{self, JSON};

#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The release: the first digits of its id are enough. The default is the release that was live
    /// before the live one.
    release: Option<ReleasePrefix>,

    #[command(flatten)]
    options: PublisherOptions,
}

impl Arguments {
    /// Makes the release live again. The answer is its whole id.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let settings = self.options.read(session)?;
        let publisher = self.target.change_by_pointer(&settings, session).await?;
        // Only the message needs the history: a pointer that is not trusted has none.
        let history = until_cancelled(session, publisher.history()).await.unwrap_or_default();
        let to = match &self.release {
            Some(prefix) => RollbackTo::Release(prefix.find(&publisher, session).await?),
            None => RollbackTo::Previous,
        };
        let receipt = match publisher.rollback(to, &session.context).await {
            Ok(receipt) => receipt,
            Err(error) => {
                let wanted = match &to {
                    RollbackTo::Release(release) => Some(release),
                    _ => None,
                };
                return Err(went_live::failure(error, &publisher, wanted, session).await);
            }
        };
        session.progress.line(&message(&receipt, &history, SystemTime::now()));
        went_live::tell_lost_machines(&publisher, &receipt, session).await;
        Ok(went_live::answer(self.target.as_str(), &receipt))
    }
}

/// Says from where to where the rollback went.
fn message(receipt: &Receipt, history: &[HistoryEntry], now: SystemTime) -> String {
    let (Outcome::RolledBack, Some(from)) = (receipt.outcome, receipt.previous) else {
        return receipt.to_string();
    };
    let to = receipt.release;
    let was_live = history.iter().find(|entry| entry.release == to);
    let was_live = was_live.map_or_else(
        || "never live before".to_owned(),
        |entry| format!("went live {}", ago(entry.activated_at, now)),
    );
    format!("rolled back from release {} to release {} ({was_live})", from.short(), to.short())
}
