//! A target that a command publishes to.

use std::collections::BTreeSet;

use netboot_core::{Report, SiteName};
use netboot_publish::Publisher;

use crate::target::Target;

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

/// A name for a target: its text, as far as names can have it, and a number if `taken` has that.
pub(super) fn site_name(text: &str, taken: &mut BTreeSet<String>) -> Result<SiteName, Report> {
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
