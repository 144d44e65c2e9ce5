//! An image of a published release.

use netboot_core::{Image, ProfileName, ReleaseId, Report, counted};
use netboot_publish::Publisher;

use crate::published_target::until_cancelled;
use crate::session::Session;

/// The image of a profile in a release.
///
/// # Errors
/// If the release has no such profile, or cannot be read.
pub(super) async fn release_image(
    publisher: &Publisher,
    release: ReleaseId,
    profile: &ProfileName,
    session: &Session,
) -> Result<Image, Report> {
    let images = until_cancelled(session, publisher.images(release)).await?;
    if let Some(image) = images.iter().find(|image| image.profile() == profile) {
        return Ok(image.clone());
    }
    let names: Vec<&str> = images.iter().map(|image| image.profile().as_str()).collect();
    let count = counted(names.len(), "profile");
    Err(Report::message(
        format!(
            "release {} has no profile `{profile}`; it has {count}: {}",
            release.short(),
            names.join(", ")
        ),
        "name one of its profiles",
    ))
}
