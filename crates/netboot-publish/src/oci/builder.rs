//! Configures a store in a registry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;

use super::authorization::Authorization;
use super::client::{Client, Http};
use super::credentials::OciCredentials;
use super::reference::Reference;
use super::settings::Settings;
use super::store::OciStore;
use super::swap;
use super::target::Target;
use crate::error::Error;
use crate::retry::Retry;

/// The maximum time without data while an object is read.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// The most redirects of one request. Registries send readers of blobs to other servers.
const REDIRECTS: usize = 5;

/// Configures and builds an [`OciStore`]. [`OciStore::builder`] creates it.
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct OciStoreBuilder {
    repository: String,
    credentials: OciCredentials,
    certificates: Vec<Vec<u8>>,
    allow_http: Option<bool>,
    connect_timeout: Duration,
    timeout: Duration,
    retry: Retry,
    parallelism: usize,
    probe: bool,
    authorization_server: Option<String>,
}

impl OciStore {
    /// Returns a builder of a store in a repository, `HOST[:PORT]/REPOSITORY`, such as
    /// `registry.example.org/boot/nixos`. The repository should have no other use.
    pub fn builder(repository: impl Into<String>) -> OciStoreBuilder {
        OciStoreBuilder {
            repository: repository.into(),
            credentials: OciCredentials::default(),
            certificates: Vec::new(),
            allow_http: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(300),
            retry: Retry::default(),
            parallelism: 8,
            probe: true,
            authorization_server: None,
        }
    }
}

impl OciStoreBuilder {
    /// Sets the login. Default: [`OciCredentials::Environment`].
    pub fn credentials(mut self, credentials: OciCredentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Adds trusted certificates of an authority, in PEM, to those of the system.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Sets whether the registry speaks plain HTTP. Everyone on the network path can then read the
    /// login. Default: true if the registry is this machine, such as `localhost:5000`.
    pub fn plain_http(mut self, plain: bool) -> Self {
        self.allow_http = Some(plain);
        self
    }

    /// Sets the maximum time for connecting, at least 1 ms. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the maximum time for a request, at least 1 ms. A request that sends has as much more as
    /// its bytes take at 0.2 Mbit/s. Reading has no limit as long as bytes arrive at least once in
    /// this time, or once a minute if that is shorter. Default: 5 minutes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how often a request is repeated after a status of 5xx, 408 or 429 or a lost connection,
    /// and the maximum time from its start to the last repetition. Default: 8 times in 3 minutes.
    /// The waits in between double from 0.1 s to at most 10 s. If the registry sends `Retry-After`,
    /// the store waits for that time instead, at most 1 minute.
    pub fn retries(mut self, retries: usize, total: Duration) -> Self {
        self.retry = Retry { attempts: retries, total, ..self.retry };
        self
    }

    /// Sets how many requests are made at once, from 1 to 64. Default: 8. Each request that sends
    /// holds at most 256 KiB of its object in memory.
    pub fn parallelism(mut self, requests: usize) -> Self {
        self.parallelism = requests;
        self
    }

    /// Lets the store send the login to an authorization server on this host, without a port, if
    /// the registry names it. Default: only to servers of the registry's own domain, such as
    /// `auth.example.org` for `registry.example.org`.
    pub fn authorization_server(mut self, host: impl Into<String>) -> Self {
        self.authorization_server = Some(host.into().to_ascii_lowercase());
        self
    }

    /// Makes [`build`](Self::build) skip the test for compare-and-swap. It then writes nothing,
    /// which read-only credentials need, and the store works without compare-and-swap.
    pub fn without_probe(mut self) -> Self {
        self.probe = false;
        self
    }

    /// Checks the settings without connecting.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for a setting that cannot work.
    pub fn check(&self) -> Result<(), Error> {
        let settings = self.settings()?;
        self.http(&settings).map(drop)
    }

    /// Checks the settings, finds the login, and tests whether the registry can compare and swap.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for a setting that cannot work; [`Error::Oci`] if the registry
    /// cannot be reached or refuses the login; [`Error::Io`] if a file with logins cannot be read.
    pub async fn build(self) -> Result<OciStore, Error> {
        let settings = self.settings()?;
        let http = self.http(&settings)?;
        let login = self.credentials.find(&settings.reference).await?;
        let server = self.authorization_server;
        let authorization = Authorization::new(login, &settings.reference.name, server);
        let client = Client::new(settings, http, authorization);
        let compare_and_swap = self.probe && swap::keeps_conditions(&client).await?;
        Ok(OciStore::new(Target {
            client: Arc::new(client),
            index: Arc::default(),
            changes: Arc::default(),
            compare_and_swap,
        }))
    }

    fn settings(&self) -> Result<Settings, Error> {
        let reference = Reference::parse(&self.repository)?;
        let is_plain = self.allow_http.unwrap_or(reference.is_loopback);
        let url = reference.url(if is_plain { "http" } else { "https" })?;
        let is_possible = |time: Duration| time >= Duration::from_millis(1);
        if !is_possible(self.connect_timeout) {
            return Err(invalid("connect timeout", "expected at least 1 ms"));
        }
        if !is_possible(self.timeout) {
            return Err(invalid("timeout", "expected at least 1 ms"));
        }
        if !(1..=64).contains(&self.parallelism) {
            return Err(invalid("parallelism", "expected 1 to 64 requests"));
        }
        let (timeout, retry, parallelism) = (self.timeout, self.retry, self.parallelism);
        Ok(Settings { reference, url, timeout, retry, parallelism })
    }

    fn http(&self, settings: &Settings) -> Result<Http, Error> {
        let reads = self.client(settings, Policy::limited(REDIRECTS))?;
        Ok(Http { reads, others: self.client(settings, Policy::none())? })
    }

    fn client(&self, settings: &Settings, redirect: Policy) -> Result<reqwest::Client, Error> {
        let refused =
            |error: reqwest::Error| invalid("CA certificate", &format!("not PEM: {error}"));
        let mut authorities = Vec::new();
        for pem in &self.certificates {
            let found = reqwest::Certificate::from_pem_bundle(pem).map_err(refused)?;
            if found.is_empty() {
                return Err(invalid("CA certificate", "the PEM text contains no certificate"));
            }
            authorities.extend(found);
        }
        reqwest::Client::builder()
            .redirect(redirect)
            .connect_timeout(self.connect_timeout)
            .read_timeout(READ_TIMEOUT.min(self.timeout))
            // A registry with TLS never sends its clients to a server without.
            .https_only(settings.url.scheme() == "https")
            // Simultaneous requests on separate connections are faster than on a shared one.
            .http1_only()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .tls_certs_merge(authorities)
            .user_agent(concat!("netboot-publish/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| invalid("HTTP client", &error.to_string()))
    }
}

fn invalid(setting: &'static str, problem: &str) -> Error {
    Error::InvalidSetting { setting, problem: problem.to_owned() }
}

impl fmt::Debug for OciStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repository = self.repository.rsplit('@').next().unwrap_or_default();
        f.debug_struct("OciStoreBuilder")
            .field("repository", &repository)
            .field("credentials", &self.credentials)
            .field("plain_http", &self.allow_http)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("parallelism", &self.parallelism)
            .field("probe", &self.probe)
            .field("authorization_server", &self.authorization_server)
            .finish_non_exhaustive()
    }
}
