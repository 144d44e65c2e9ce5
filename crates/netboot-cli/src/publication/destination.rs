//! The targets that a command publishes to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use netboot_core::{Report, SiteName};
use netboot_publish::Publisher;

use super::obstacle::{LeftOut, Preparation};
use crate::misuse::Misuse;
use crate::publisher_settings::PublisherSettings;
use crate::session::Session;
use crate::target::Target;
use crate::target_place::{place_of, real_path};

/// The greatest length of the name that is made of a target's text.
const NAME_LIMIT: usize = 40;

/// A target of a command, and the publisher to it.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) target: Target,
    /// The position of the target on the command line.
    pub(crate) position: usize,
    /// The name of the target in events.
    pub(crate) site: SiteName,
    pub(crate) publisher: Publisher,
}

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
    let (mut names, mut places) = (BTreeSet::new(), BTreeMap::new());
    for (position, text) in texts.iter().enumerate() {
        let target = session.target(text)?;
        require_no_target_above(&target)?;
        // A look at a bucket writes nothing there.
        let publisher = target.reader().await?;
        if let Some(same) = places.insert(place_of(&target, &publisher), text) {
            return Err(Misuse::report(
                format!("`{same}` and `{text}` are the same target"),
                "name each target once",
            ));
        }
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
fn require_no_target_above(target: &Target) -> Result<(), Report> {
    let Some(place) = target.directory().map(real_path) else { return Ok(()) };
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

/// A name for a target: its text, as far as names can have it, and a number if `taken` has that.
fn site_name(text: &str, taken: &mut BTreeSet<String>) -> Result<SiteName, Report> {
    let place = text.split_once("://").map_or(text, |(_, place)| place);
    let place = place.split('?').next().unwrap_or(place).to_ascii_lowercase();
    let words = place.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut name: String = words.join("-").chars().take(NAME_LIMIT).collect();
    name.truncate(name.trim_end_matches('-').len());
    if name.is_empty() {
        "target".clone_into(&mut name);
    }
    let mut unique = name.clone();
    let mut number = 2_u32;
    while !taken.insert(unique.clone()) {
        unique = format!("{name}-{number}");
        number += 1;
    }
    Ok(SiteName::new(unique)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_name_of_its_own() {
        let mut taken = BTreeSet::new();
        let mut name = |text: &str| site_name(text, &mut taken).unwrap().to_string();
        assert_eq!(name("/srv/pxe/nixos"), "srv-pxe-nixos");
        assert_eq!(name("./srv/pxe_nixos/"), "srv-pxe-nixos-2");
        assert_eq!(name("s3://netboot/nixos?endpoint=https://s3.example.org"), "netboot-nixos");
        assert_eq!(name("publisher@Boot.example.org:/srv"), "publisher-boot-example-org-srv");
        assert_eq!(name("osaka"), "osaka");
        assert_eq!(name("/"), "target");
        assert_eq!(name("/日本"), "target-2");
        assert_eq!(name(&"x/".repeat(100)).len(), NAME_LIMIT - 1);
    }
}
