//! Publishing one release to several targets.

mod all_or_none;
mod at_each;
mod outcome;
mod publish;
mod stage;

use std::collections::BTreeMap;
use std::time::Duration;

use netboot_core::{InvalidValue, SiteName};

use crate::error::Error;
use crate::publisher::Publisher;

/// The rule that says when a release goes live at one of several sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActivationPolicy {
    /// The release goes live at each site as soon as it is staged there.
    EachByItself,
    /// The release goes live only if it is staged at all sites. If one site cannot make it live,
    /// the others are rolled back. Sites change one after the other, so machines of two sites may
    /// boot different releases for a moment; no protocol can prevent that.
    AllOrNone,
}

/// Several targets that get the same releases, for example three sites, or a bucket and the disk
/// of a DHCP server.
///
/// ```
/// use netboot_publish::{ActivationPolicy, MemoryStore, Publisher, Sites};
///
/// let sites = Sites::builder()
///     .site("tokyo", Publisher::new(MemoryStore::new()))
///     .site("osaka", Publisher::new(MemoryStore::new()))
///     .policy(ActivationPolicy::AllOrNone)
///     .build()?;
/// # Ok::<(), netboot_publish::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sites {
    publishers: BTreeMap<SiteName, Publisher>,
    policy: ActivationPolicy,
    concurrency: usize,
    timeout: Option<Duration>,
}

impl Sites {
    /// Starts a builder, which takes the sites.
    pub fn builder() -> SitesBuilder {
        SitesBuilder::new()
    }

    /// The publishers, by site.
    pub fn publishers(&self) -> &BTreeMap<SiteName, Publisher> {
        &self.publishers
    }
}

/// Builds [`Sites`]. Made by [`Sites::builder`].
#[derive(Debug, Clone)]
#[must_use = "sites are made by `build`"]
pub struct SitesBuilder {
    publishers: Vec<(SiteName, Publisher)>,
    /// The first text that was given as a name and is not one.
    refused: Option<InvalidValue>,
    policy: ActivationPolicy,
    concurrency: usize,
    timeout: Option<Duration>,
}

impl SitesBuilder {
    fn new() -> Self {
        Self {
            publishers: Vec::new(),
            refused: None,
            policy: ActivationPolicy::EachByItself,
            concurrency: 8,
            timeout: None,
        }
    }

    /// Adds a site and the publisher to it.
    pub fn site(
        mut self,
        name: impl TryInto<SiteName, Error: Into<InvalidValue>>,
        publisher: Publisher,
    ) -> Self {
        match name.try_into() {
            Ok(name) => self.publishers.push((name, publisher)),
            Err(error) => {
                self.refused.get_or_insert(error.into());
            }
        }
        self
    }

    /// Sets when a release goes live. The default is [`ActivationPolicy::EachByItself`].
    pub fn policy(mut self, policy: ActivationPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how many sites are published to at the same time, at least one. The default is eight.
    /// Each site needs the memory and the connections of its store.
    pub fn concurrency(mut self, sites: usize) -> Self {
        self.concurrency = sites.max(1);
        self
    }

    /// Sets a time limit for staging at a site, and the same limit for activation. A site that
    /// exceeds a limit has failed ([`Error::TimedOut`]). The default is no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Builds the sites.
    ///
    /// # Errors
    /// [`Error::NoSites`], [`Error::DuplicateSite`], and [`Error::Artifact`] for a text that was
    /// given as a name and is not one.
    pub fn build(self) -> Result<Sites, Error> {
        let Self { publishers: named, refused, policy, concurrency, timeout } = self;
        if let Some(error) = refused {
            return Err(error.into());
        }
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
