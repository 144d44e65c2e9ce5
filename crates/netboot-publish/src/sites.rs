//! One release to several places.

mod all_or_none;
mod at_each;
mod builder;
mod outcome;
mod publish;
mod stage;

use std::collections::BTreeMap;
use std::time::Duration;

use netboot_core::SiteName;

pub use self::builder::SitesBuilder;
pub use self::outcome::{SiteOutcome, SitesReport};
use crate::Publisher;

/// When a release goes live at one of several sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActivationPolicy {
    /// At each site as soon as it is staged there, whatever becomes of the others.
    EachByItself,
    /// At none unless it is staged at all; and where it cannot be made live at one of them, the
    /// others are rolled back to what was live there before. While sites change one after the
    /// other, machines of two sites may boot two releases: no protocol could prevent that.
    AllOrNone,
}

/// Several targets that get the same releases: three sites, or a bucket and the disk beside the
/// DHCP server.
///
/// ```
/// use netboot_publish::{ActivationPolicy, MemoryStore, Publisher, Sites};
///
/// let sites = Sites::builder()
///     .site("tokyo".parse()?, Publisher::new(MemoryStore::new()))
///     .site("osaka".parse()?, Publisher::new(MemoryStore::new()))
///     .policy(ActivationPolicy::AllOrNone)
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sites {
    publishers: BTreeMap<SiteName, Publisher>,
    policy: ActivationPolicy,
    concurrency: usize,
    timeout: Option<Duration>,
}

impl Sites {
    /// Begins to name sites.
    pub fn builder() -> SitesBuilder {
        SitesBuilder::new()
    }

    /// The publishers, by their sites.
    pub fn publishers(&self) -> &BTreeMap<SiteName, Publisher> {
        &self.publishers
    }
}
