//! The live release of a target, which an export needs.

use netboot_core::{ReleaseId, Report};
use netboot_publish::Publisher;

use crate::published_target::{PublishedTarget, until_cancelled};
use crate::session::Session;

/// The live release of a target.
///
/// # Errors
/// If no release is live, or the target cannot be read.
pub(super) async fn live_release(
    target: &PublishedTarget,
    publisher: &Publisher,
    session: &Session,
) -> Result<ReleaseId, Report> {
    until_cancelled(session, publisher.live()).await?.ok_or_else(|| {
        Report::message(
            format!("no release is live at `{}`", target.as_str()),
            "make one live first: `netboot activate`",
        )
    })
}
