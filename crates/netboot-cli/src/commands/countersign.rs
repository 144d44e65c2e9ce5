//! `netboot countersign`: adds a signature to a staged release.

use clap::Args;
use netboot_core::Report;
use serde_json::json;

use crate::answer::Answer;
use crate::key_options::{SignerOptions, TrustOptions};
use crate::published_target::{PublishedTarget, unless_cancelled};
use crate::publisher_settings::PublisherSettings;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;

/// The description of the answer.
const ANSWER: &str = "\
Prints the whole id of the release.

With --json:
  target   the target, as it was written
  release  the id of the release
  added    false if the release had the signature already";

#[derive(Debug, Args)]
#[command(after_long_help = ANSWER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The release: the first digits of its id are enough.
    release: ReleasePrefix,

    #[command(flatten)]
    trust: TrustOptions,

    #[command(flatten)]
    signer: SignerOptions,
}

impl Arguments {
    /// Adds the signature of `--sign` to the release.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        self.signer.require_signer(session)?;
        let settings = PublisherSettings::of_keys(self.trust.read(session)?, self.signer.read()?);
        let publisher = self.target.change(&settings, session).await?;
        let release = self.release.find(&publisher, session).await?;
        let added = publisher.countersign(&release, &session.context).await;
        let added = unless_cancelled(session, added, || {
            format!("release {} may lack the signature: run the command again", release.short())
        })?;
        let outcome = if added { "signed" } else { "had the signature already" };
        session.progress.line(&format!("release {}: {outcome}", release.short()));
        let object = json!({ "target": self.target.as_str(), "release": release, "added": added });
        Ok(Answer::new(release, object))
    }
}
