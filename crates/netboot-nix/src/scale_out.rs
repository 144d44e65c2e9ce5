//! Remote builders, other stores, substituters and binary caches.

pub(crate) mod binary_cache;
pub(crate) mod remote_builder;
pub(crate) mod store_url;

use std::time::Duration;

use self::binary_cache::BinaryCache;
use self::remote_builder::RemoteBuilder;
use self::store_url::StoreUrl;
use crate::error::Error;

/// Remote builders, substituters, time limits, and binary caches for results. Settings that are not
/// made here come from Nix's own configuration.
///
/// ```
/// use std::time::Duration;
/// use netboot_nix::{BinaryCache, NixBuilder, RemoteBuilder, ScaleOut};
///
/// let key = "cache.example.org-1:ebYgk3hp0M2RqTVUvDxJQrUKcoxDEkE9DvvUuBwtNqM=";
/// let cache = BinaryCache::new("file:///srv/cache")?.with_signing_key_file("/run/keys/cache");
/// let scale_out = ScaleOut::new()
///     .with_remote_builder(RemoteBuilder::new("ssh-ng://build@big.example.org")?.with_jobs(8))
///     .with_local_jobs(0)
///     .with_substituter("https://cache.example.org", key)?
///     .with_silence_limit(Duration::from_secs(1800))
///     .with_copy_to(cache);
/// let builder = NixBuilder::options("github:example/infrastructure").scale_out(scale_out).build()?;
/// # Ok::<(), netboot_nix::Error>(())
/// ```
///
/// A Nix daemon accepts these settings only from users that it trusts (`trusted-users` in
/// `nix.conf`). It ignores the settings of other users with a warning, which Netboot reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScaleOut {
    remote_builders: Vec<RemoteBuilder>,
    local_jobs: Option<u32>,
    store: Option<StoreUrl>,
    substituters: Vec<(StoreUrl, String)>,
    build_limit: Option<Duration>,
    silence_limit: Option<Duration>,
    caches: Vec<BinaryCache>,
}

impl ScaleOut {
    /// No settings besides Nix's own configuration.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a machine that builds. Nix fetches the results from it. Remote builders in Nix's own
    /// configuration are not used then.
    #[must_use]
    pub fn with_remote_builder(mut self, builder: RemoteBuilder) -> Self {
        self.remote_builders.push(builder);
        self
    }

    /// The number of derivations that this machine builds at once (`max-jobs`). With 0, remote
    /// builders build everything.
    #[must_use]
    pub fn with_local_jobs(mut self, jobs: u32) -> Self {
        self.local_jobs = Some(jobs);
        self
    }

    /// Builds everything in another store, such as `ssh-ng://host`, and fetches the results. This
    /// machine still evaluates. Results are accepted without a signature, so the store must be
    /// trustworthy.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a text that is not the URL of a store.
    pub fn with_store<U: TryInto<StoreUrl>>(mut self, store: U) -> Result<Self, U::Error> {
        self.store = Some(store.try_into()?);
        Ok(self)
    }

    /// Adds a binary cache that Nix asks before it builds, and the public key that verifies its
    /// paths. The key has the form `name:base64`, which `nix-store --generate-binary-cache-key`
    /// writes.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a text that is not the URL of a store, and for a key in another
    /// form.
    pub fn with_substituter(
        mut self,
        url: impl TryInto<StoreUrl, Error: Into<Error>>,
        key: &str,
    ) -> Result<Self, Error> {
        let url = url.try_into().map_err(Into::into)?;
        let is_key = key.split_once(':').is_some_and(|(name, bytes)| {
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
                && bytes.len() == 44
                && bytes.bytes().all(is_base64)
        });
        if !is_key {
            let option = format!("`with_substituter` {url}");
            let problem = "its key does not have the form `name:base64`";
            return Err(Error::InvalidOption { option, problem });
        }
        self.substituters.push((url, key.to_owned()));
        Ok(self)
    }

    /// The maximum time of a build of one derivation, in whole seconds (`timeout`).
    #[must_use]
    pub fn with_build_limit(mut self, limit: Duration) -> Self {
        self.build_limit = Some(limit);
        self
    }

    /// The maximum time for which a builder may print nothing, in whole seconds
    /// (`max-silent-time`).
    #[must_use]
    pub fn with_silence_limit(mut self, limit: Duration) -> Self {
        self.silence_limit = Some(limit);
        self
    }

    /// Adds a binary cache for the results. After a build, Nix copies the closures of the image's
    /// parts to it.
    #[must_use]
    pub fn with_copy_to(mut self, cache: BinaryCache) -> Self {
        self.caches.push(cache);
        self
    }

    /// The other store that builds, if any.
    pub(crate) fn other_store(&self) -> Option<&StoreUrl> {
        self.store.as_ref()
    }

    /// The binary caches for results.
    pub(crate) fn caches(&self) -> &[BinaryCache] {
        &self.caches
    }

    /// The settings as lines of `nix.conf` (Nix manual, `nix.conf`).
    pub(crate) fn settings(&self) -> Vec<String> {
        let mut settings = Vec::new();
        if !self.remote_builders.is_empty() {
            let builders: Vec<String> =
                self.remote_builders.iter().map(ToString::to_string).collect();
            settings.push(format!("builders = {}", builders.join(" ; ")));
            settings.push("builders-use-substitutes = true".to_owned());
        }
        if let Some(jobs) = self.local_jobs {
            settings.push(format!("max-jobs = {jobs}"));
        }
        for (url, key) in &self.substituters {
            settings.push(format!("extra-substituters = {url}"));
            settings.push(format!("extra-trusted-public-keys = {key}"));
        }
        // Zero would mean no limit.
        let seconds = |limit: Duration| limit.as_secs().max(1);
        if let Some(limit) = self.build_limit {
            settings.push(format!("timeout = {}", seconds(limit)));
        }
        if let Some(limit) = self.silence_limit {
            settings.push(format!("max-silent-time = {}", seconds(limit)));
        }
        settings
    }
}
