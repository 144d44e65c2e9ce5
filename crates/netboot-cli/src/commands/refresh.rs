//! `netboot refresh`: signs the live pointer again.

use clap::Args;
use netboot_core::Report;
use serde_json::json;

use crate::answer::Answer;
use crate::error::Error;
use crate::published_target::{PublishedTarget, unless_cancelled};
use crate::publisher_options::SigningOptions;
use crate::session::Session;

/// The description of the answer.
const ANSWER: &str = "\
Prints the whole id of the live release.

With --json:
  target   the target, as it was written
  pointer  the pointer that was signed
  release  the id of the live release";

#[derive(Debug, Args)]
#[command(after_long_help = ANSWER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    #[command(flatten)]
    options: SigningOptions,
}

impl Arguments {
    /// Signs the pointer of the live release again, with a new best-before date if it gets one.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let settings = self.options.read_to_sign(session)?;
        let publisher = self.target.change(&settings, session).await?;
        let pointer = publisher.pointer().clone();
        let refreshed = publisher.refresh(&session.context).await;
        let refreshed =
            unless_cancelled(session, refreshed, || "the pointer was not signed again".to_owned())?;
        let Some(live) = refreshed else {
            let target = self.target.as_str().to_owned();
            return Err(Error::NothingLive { target, pointer }.into());
        };
        session.progress.line(&format!("the pointer of release {} is signed again", live.short()));
        let object = json!({ "target": self.target.as_str(), "pointer": pointer, "release": live });
        Ok(Answer::new(live, object))
    }
}
