//! The SBOMs of the images of a release.

use std::collections::BTreeMap;

use netboot_core::{DocumentKind, ProfileName, ReleaseId, Report};
use netboot_publish::Publisher;
use netboot_sbom::Bill;

use crate::error::Error;
use crate::published_target::{PublishedTarget, until_cancelled};
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;

/// Finds the release that a prefix means, or else the live release.
///
/// # Errors
/// The errors of [`ReleasePrefix::find`]; [`Error::NothingLive`].
pub(crate) async fn find_release(
    prefix: Option<&ReleasePrefix>,
    target: &PublishedTarget,
    publisher: &Publisher,
    session: &Session,
) -> Result<ReleaseId, Report> {
    if let Some(prefix) = prefix {
        return prefix.find(publisher, session).await;
    }
    let live = until_cancelled(session, publisher.live()).await?;
    Ok(live.ok_or_else(|| Error::NothingLive {
        target: target.as_str().to_owned(),
        pointer: publisher.pointer().clone(),
    })?)
}

/// Reads the SBOM of each image of a release, by profile.
///
/// # Errors
/// [`Error::NoSbom`] if an image has none; [`netboot_sbom::Error::UnreadableSbom`]; if the target
/// cannot be read.
pub(crate) async fn read_bills(
    publisher: &Publisher,
    release: &ReleaseId,
    session: &Session,
) -> Result<BTreeMap<ProfileName, Bill>, Report> {
    let manifest = until_cancelled(session, publisher.manifest(release)).await?;
    let mut bills = BTreeMap::new();
    for profile in manifest.images().keys() {
        let document = publisher.document(release, profile, DocumentKind::Sbom);
        let Some(json) = until_cancelled(session, document).await? else {
            return Err(Error::NoSbom { release: *release, profile: profile.clone() }.into());
        };
        bills.insert(profile.clone(), Bill::parse(&json)?);
    }
    Ok(bills)
}
