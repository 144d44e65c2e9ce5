//! One release to several places.

mod all_or_none;
mod at_each;
mod outcome;
mod publish;
mod stage;

use std::collections::BTreeMap;
use std::time::Duration;

use netboot_core::SiteName;

use crate::error::Error;
use crate::publisher::Publisher;

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

/// Gathers [`Sites`]; made by [`Sites::builder`].
#[derive(Debug, Clone)]
#[must_use = "sites are made by `build`"]
pub struct SitesBuilder {
    publishers: Vec<(SiteName, Publisher)>,
    policy: ActivationPolicy,
    concurrency: usize,
    timeout: Option<Duration>,
}

impl SitesBuilder {
    fn new() -> Self {
        Self {
            publishers: Vec::new(),
            policy: ActivationPolicy::EachByItself,
            concurrency: 8,
            timeout: None,
        }
    }

    /// Adds a site and the publisher to it.
    pub fn site(mut self, name: SiteName, publisher: Publisher) -> Self {
        self.publishers.push((name, publisher));
        self
    }

    /// Sets when a release goes live; at first [`ActivationPolicy::EachByItself`].
    pub fn policy(mut self, policy: ActivationPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how many sites are worked on at the same time, at least one; at first eight. Each
    /// takes the memory and the connections that its store takes.
    pub fn concurrency(mut self, sites: usize) -> Self {
        self.concurrency = sites.max(1);
        self
    }

    /// Sets how long a site may take to be staged, and how long to go live, each; a site that
    /// takes longer has failed ([`Error::TimedOut`]). Not limited at first.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Puts the sites together.
    ///
    /// # Errors
    /// [`Error::NoSites`], [`Error::DuplicateSite`].
    pub fn build(self) -> Result<Sites, Error> {
        let Self { publishers: named, policy, concurrency, timeout } = self;
        let mut publishers = BTreeMap::new();
        for (site, publisher) in named {
            if publishers.insert(site.clone(), publisher).is_some() {
                return Err(Error::DuplicateSite { site });
            }
        }
        if publishers.is_empty() {
            return Err(Error::NoSites);
        }
        Ok(Sites { publishers, policy, concurrency, timeout })
    }
}
