//! Opens the targets that a command publishes to.

use std::collections::BTreeSet;
use std::path::Path;

use netboot_core::Report;

use super::destination::{Destination, site_name};
use super::obstacle::{LeftOut, Preparation};
use crate::misuse::Misuse;
use crate::places::Places;
use crate::publisher_settings::PublisherSettings;
use crate::session::Session;
use crate::target::Target;

/// The targets of a command.
#[derive(Debug, Default)]
pub(crate) struct Destinations {
    pub(super) open: Vec<Destination>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Opens the targets that `texts` mean. Several are opened at once.
///
/// # Errors
/// If a text is no target, two of them are the same place, or a target is inside of another one. If
/// a target cannot be opened, unless it is left out.
pub(crate) async fn open_destinations(
    session: &Session,
    texts: &[String],
    settings: &PublisherSettings,
    legacy_links: bool,
    preparation: Preparation,
) -> Result<Destinations, Report> {
    let mut destinations: Vec<Destination> = Vec::new();
    let (mut names, mut places) = (BTreeSet::new(), Places::default());
    for (position, text) in texts.iter().enumerate() {
        let target = session.target(text)?;
        // A look at a bucket writes nothing there.
        let publisher = target.reader().await?;
        let place = publisher.store().place().await?;
        if target.directory().is_some() {
            require_no_target_above(&target, Path::new(&place))?;
        }
        places.add(place, text, "name each target once")?;
        let site = site_name(text, &mut names)?;
        destinations.push(Destination { target, position, site, publisher });
    }
    let mut left_out = Vec::new();
    let open = async |destination: &Destination| {
        let publisher = settings.apply(destination.target.publisher().await?);
        Ok(publisher.with_legacy_links(legacy_links))
    };
    let open = preparation.at_each(session, &mut destinations, &mut left_out, open).await?;
    for (destination, publisher) in destinations.iter_mut().zip(open) {
        destination.publisher = publisher;
    }
    Ok(Destinations { open: destinations, left_out })
}

/// Refuses a directory inside of another target, which would take its files for foreign ones.
fn require_no_target_above(target: &Target, place: &Path) -> Result<(), Report> {
    let is_target =
        |directory: &&Path| ["blobs", "releases"].iter().all(|name| directory.join(name).is_dir());
    match place.ancestors().skip(1).find(is_target) {
        Some(above) => Err(Misuse::report(
            format!("`{target}` is inside of the target `{}`", above.display()),
            "publish to a directory outside of it, so that their files do not mix",
        )),
        None => Ok(()),
    }
}
