//! The answer of commands that make a release live.

use std::time::Duration;

use netboot_core::{ReleaseId, Report};
use netboot_publish::{Error, Publisher, Receipt};
use serde_json::json;

use crate::answer::Answer;
use crate::failure::Cancelled;
use crate::published_machines::lost;
use crate::release_prefix::not_there;
use crate::session::Session;

/// The time to look at the pointer after the work was cancelled.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// The description of the object that `--json` prints.
pub(crate) const JSON: &str = "\
Prints the whole id of the release that is live now. With --json:
  target         the target, as it was written
  pointer        the pointer that makes the release live
  release        the id of the release that is live now
  previous       the id of the release that was live before, or null
  outcome        activated, rolled-back or unchanged
  order_guarded  false if the target cannot tell if another publisher was faster
  without        the features that the target lacks, such as `lock`";

/// The whole id of the release, for scripts, and the receipt as an object.
pub(crate) fn answer(target: &str, receipt: &Receipt) -> Answer {
    let object = json!({
        "target": target,
        "pointer": receipt.pointer,
        "release": receipt.release,
        "previous": receipt.previous,
        "outcome": receipt.outcome,
        "order_guarded": receipt.order_guarded(),
        "without": receipt.without,
    });
    Answer::new(receipt.release, object)
}

/// Warns of the machines that only the release before lists. A rollback must not wait for a list of
/// machines, so this comes after it.
pub(crate) async fn tell_lost_machines(
    publisher: &Publisher,
    receipt: &Receipt,
    session: &Session,
) {
    let Some(previous) = &receipt.previous else { return };
    // The new release is live, whatever can be said about machines.
    if let Ok(Some(lost)) = lost(publisher, previous, &receipt.release).await {
        session.progress.line(&format!(
            "warning: release {} had scripts for {lost}, and release {} has none for them",
            previous.short(),
            receipt.release.short()
        ));
    }
}

/// The failure of work that would have made a release live: `wanted`, if it is known. If the work
/// was cancelled, this looks which release is live now.
pub(crate) async fn failure(
    error: Error,
    publisher: &Publisher,
    wanted: Option<&ReleaseId>,
    session: &Session,
) -> Report {
    if !session.context.cancellation().is_cancelled() {
        let Error::NotStaged { release } = &error else { return error.into() };
        let pruned = not_there(*release, publisher, session).await;
        return pruned.map_or_else(|| error.into(), Into::into);
    }
    let Ok(Ok(live)) = tokio::time::timeout(LOOK_LIMIT, publisher.live()).await else {
        return Cancelled::report("it is not known which release is live: see `netboot list`");
    };
    let now = match &live {
        Some(live) => format!("release {} is live", live.short()),
        None => "no release is live".to_owned(),
    };
    Cancelled::report(match wanted {
        Some(wanted) if live.as_ref() != Some(wanted) => {
            format!("release {} did not go live; {now}", wanted.short())
        }
        _ => now,
    })
}
