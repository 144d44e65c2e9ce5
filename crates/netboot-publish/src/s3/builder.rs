//! Configures a store in a bucket.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{InvalidValue, ReleasePath};
use object_store::Certificate;

use super::client::Client;
use super::connect::{Test, connect};
use super::credentials::{S3Credentials, check};
use super::endpoint::{bucket_problem, bucket_url, invalid, region_of, web_url, without_secrets};
use super::key::Keys;
use super::server_memory::ServerMemory;
use super::settings::Settings;
use super::store::S3Store;
use crate::error::Error;
use crate::retry::Retry;

/// The minimum size of a part in S3, except for the last part: 5 MiB.
const LEAST_PART: usize = 5 * 1024 * 1024;
/// The maximum size of a part in S3: 5 GiB.
const GREATEST_PART: usize = 5 * 1024 * 1024 * 1024;

/// Configures and builds an [`S3Store`]. [`S3Store::builder`] creates it.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[must_use = "a builder does nothing until `build` is called"]
pub struct S3StoreBuilder {
    bucket: String,
    endpoint: Option<String>,
    public_url: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    prefix: Option<Result<ReleasePath, InvalidValue>>,
    credentials: S3Credentials,
    certificates: Vec<Vec<u8>>,
    allow_http: bool,
    connect_timeout: Duration,
    timeout: Duration,
    retry: Retry,
    part_size: usize,
    parallelism: usize,
    checksums: bool,
    batch_delete: bool,
    lease: Duration,
    probe: bool,
    server_memory: Option<ServerMemory>,
}

impl S3Store {
    /// Returns a builder of a store in this bucket.
    pub fn builder(bucket: impl Into<String>) -> S3StoreBuilder {
        S3StoreBuilder::new(bucket.into())
    }
}

impl S3StoreBuilder {
    fn new(bucket: String) -> Self {
        Self {
            bucket,
            endpoint: None,
            public_url: None,
            region: None,
            path_style: None,
            prefix: None,
            credentials: S3Credentials::Environment,
            certificates: Vec::new(),
            allow_http: false,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(300),
            retry: Retry::default(),
            part_size: 6 * 1024 * 1024,
            parallelism: 4,
            checksums: true,
            batch_delete: true,
            lease: Duration::from_secs(30),
            probe: true,
            server_memory: None,
        }
    }

    /// Sets the URL of a server that is not Amazon's, such as `https://s3.example.org:9000`.
    /// Default: with [`S3Credentials::Environment`], the variables `AWS_ENDPOINT_URL_S3` and
    /// `AWS_ENDPOINT_URL`; otherwise Amazon's endpoint of the region.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets the region. Default: with [`S3Credentials::Environment`], the variables `AWS_REGION`
    /// and `AWS_DEFAULT_REGION`; otherwise the region that the host name of a known provider's
    /// endpoint contains; otherwise `us-east-1`, which most self-hosted servers accept.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets whether the bucket is the first part of the URL's path. Otherwise it is part of the
    /// host name. Default: true if an endpoint is set.
    pub fn path_style(mut self, path_style: bool) -> Self {
        self.path_style = Some(path_style);
        self
    }

    /// Sets the prefix of all keys, without a `/` at the end. Default: none, so that the target is
    /// the whole bucket.
    pub fn prefix(mut self, prefix: impl TryInto<ReleasePath, Error: Into<InvalidValue>>) -> Self {
        self.prefix = Some(prefix.try_into().map_err(Into::into));
        self
    }

    /// Sets the credentials for requests. Default: [`S3Credentials::Environment`].
    pub fn credentials(mut self, credentials: impl Into<S3Credentials>) -> Self {
        self.credentials = credentials.into();
        self
    }

    /// Adds trusted certificates of an authority, in PEM, to those of the system.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Sets whether the endpoint may use plain HTTP. Requests are still signed, but everyone on the
    /// network path can read them. Default: false.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Sets the URL under which machines see the target, for a web server or a cache in front of
    /// the bucket. Default: the URL of the bucket with the prefix.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Sets the maximum time for connecting, at least 1 ms. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the maximum time for a request that sends, at least 1 ms. Default: 5 minutes, enough to
    /// send a part of 6 MiB at 0.2 Mbit/s. Reading an object has no limit as long as bytes arrive
    /// at least once in this time, or once a minute if that is shorter.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how often a request is repeated after a status of 5xx, 408 or 429 or a lost connection,
    /// and the maximum time from its start to the last repetition. Default: 8 times in 3 minutes.
    /// The waits in between double from 0.1 s to at most 10 s, with jitter. If the server sends
    /// `Retry-After`, the store also waits for that time, at most 1 minute.
    pub fn retries(mut self, retries: usize, total: Duration) -> Self {
        self.retry = Retry { attempts: retries, total, ..self.retry };
        self
    }

    /// Sets the size of a part in bytes, at least 5 MiB. Larger objects are sent in parts of this
    /// size. If an object would need more than 10,000 parts, its parts are larger. Default: 6 MiB.
    pub fn part_size(mut self, bytes: usize) -> Self {
        self.part_size = bytes;
        self
    }

    /// Sets how many parts are in memory and sent at once. Default: 4. The store never uses more
    /// memory than this number times the part size. It sends as many small objects at once as fit
    /// into this memory.
    pub fn parallelism(mut self, parts: usize) -> Self {
        self.parallelism = parts;
        self
    }

    /// Sets whether each request contains the SHA-256 of its content, for the server to check. Most
    /// servers without this feature ignore it. Default: true.
    pub fn server_checksums(mut self, checksums: bool) -> Self {
        self.checksums = checksums;
        self
    }

    /// Sets whether the store deletes many objects with one request. Default: true.
    pub fn batch_delete(mut self, able: bool) -> Self {
        self.batch_delete = able;
        self
    }

    /// Sets how long the lock outlives a publisher that was killed, from 1 s to 1 h. Default: 30 s.
    pub fn lock_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Makes [`build`](Self::build) skip the test for compare-and-swap. It then writes nothing,
    /// which read-only credentials need, and the store works without compare-and-swap and without a
    /// lock.
    pub fn without_probe(mut self) -> Self {
        self.probe = false;
        self
    }

    /// Sets a file that remembers what servers can do, so that
    /// [`build`](Self::build) makes no request to a server that it tested in the last seven days.
    /// Several programs may share the file. Its directory is created. A file that cannot be read
    /// or written only costs the test. Default: none.
    ///
    /// The store tests the server again before it locks or swaps if the answers come from other
    /// software than before (the header `Server`), and forgets the result if the server says that
    /// it has no conditional writes.
    pub fn server_memory(mut self, file: impl Into<PathBuf>) -> Self {
        self.server_memory = Some(ServerMemory::new(file.into()));
        self
    }

    /// Checks the settings, including those of the environment, without connecting. A program can
    /// refuse a wrong configuration before it starts.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`].
    pub fn check(&self) -> Result<(), Error> {
        self.clone().settings().map(drop)
    }

    /// Connects, and tests whether the target can compare and swap, and whether it checks what it
    /// receives. The test makes six small writes to an object of the store's own and deletes it.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`]; [`Error::S3`] if the target cannot be reached or written.
    pub async fn build(self) -> Result<S3Store, Error> {
        let keys = Keys::new(self.prefix.clone().transpose()?.as_ref());
        let test =
            if self.probe { Test::Remembered(self.server_memory.clone()) } else { Test::None };
        let client = Arc::new(Client::new(Arc::new(self.settings()?))?);
        // The future of a connection is large.
        Box::pin(connect(client, keys, test)).await
    }

    fn settings(self) -> Result<Settings, Error> {
        let from_environment = |names: &[&str]| {
            let is_asked = matches!(self.credentials, S3Credentials::Environment);
            let set =
                || names.iter().find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()));
            is_asked.then(set).flatten()
        };
        let endpoint = self
            .endpoint
            .clone()
            .or_else(|| from_environment(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]));
        let region = self
            .region
            .clone()
            .filter(|region| !region.is_empty())
            .or_else(|| from_environment(&["AWS_REGION", "AWS_DEFAULT_REGION"]))
            .or_else(|| endpoint.as_deref().and_then(region_of))
            .unwrap_or_else(|| "us-east-1".to_owned());
        self.prefix.clone().transpose()?;
        self.require_sizes()?;
        let of_region = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if region.len() > 64 || !region.chars().all(of_region) {
            let problem = "expected at most 64 letters, digits, `-`, `_` and `.`";
            return Err(invalid("region", problem.to_owned()));
        }
        self.require_keys()?;
        let parse = |pem: &Vec<u8>| {
            let refused = |source| invalid("CA certificate", format!("not PEM: {source}"));
            let certificates = Certificate::from_pem_bundle(pem).map_err(refused)?;
            if certificates.is_empty() {
                Err(invalid("CA certificate", "the PEM text contains no certificate".to_owned()))
            } else {
                Ok(certificates)
            }
        };
        let certificates: Vec<_> = self.certificates.iter().map(parse).collect::<Result<_, _>>()?;
        let authorities: Result<Vec<_>, _> = self
            .certificates
            .iter()
            .map(|pem| reqwest::Certificate::from_pem_bundle(pem))
            .collect();
        let refused = |error| invalid("CA certificate", format!("not PEM: {error}"));
        let authorities = authorities.map_err(refused)?.into_iter().flatten().collect();
        let public_url = self.public_url.as_deref().map(|url| web_url("public URL", url));
        Ok(Settings {
            bucket_url: bucket_url(
                &self.bucket,
                endpoint.as_deref(),
                &region,
                self.path_style,
                self.allow_http,
            )?,
            public_url: public_url.transpose()?,
            bucket: self.bucket,
            region,
            credentials: self.credentials,
            certificates: certificates.into_iter().flatten().collect(),
            authorities,
            allow_http: self.allow_http,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            retry: self.retry,
            part_size: self.part_size,
            parallelism: self.parallelism,
            checksums: self.checksums,
            batch_delete: self.batch_delete,
            lease: self.lease,
            software: Arc::default(),
        })
    }

    /// Checks the keys that are known before the first request. Others are checked when they come.
    fn require_keys(&self) -> Result<(), Error> {
        let variables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        match &self.credentials {
            S3Credentials::Keys(keys) => {
                check(&keys.to_aws()).map_err(|problem| invalid(problem.part, format!("{problem}")))
            }
            S3Credentials::Environment => variables.into_iter().try_for_each(|name| {
                let is_odd = env::var(name).is_ok_and(|value| value.contains(char::is_control));
                let problem = || format!("`{name}` contains a line break or a control character");
                if is_odd { Err(invalid("environment", problem())) } else { Ok(()) }
            }),
            S3Credentials::Provider(_) | S3Credentials::Anonymous => Ok(()),
        }
    }

    fn require_sizes(&self) -> Result<(), Error> {
        let problem = |setting, problem: &str| Err(invalid(setting, problem.to_owned()));
        if let Some(refused) = bucket_problem(&self.bucket) {
            return problem("bucket", refused);
        }
        if !(LEAST_PART..=GREATEST_PART).contains(&self.part_size) {
            return problem("part size", "expected 5 MiB to 5 GiB");
        }
        if !(1..=1024).contains(&self.parallelism) {
            return problem("parallelism", "expected 1 to 1024 parts");
        }
        let is_possible = |time: Duration| time >= Duration::from_millis(1);
        if !is_possible(self.connect_timeout) {
            return problem("connect timeout", "expected at least 1 ms");
        }
        if !is_possible(self.timeout) {
            return problem("timeout", "expected at least 1 ms");
        }
        if !(1..=3600).contains(&self.lease.as_secs()) {
            return problem("lock lease", "expected 1 s to 1 h");
        }
        Ok(())
    }
}

impl fmt::Debug for S3StoreBuilder {
    /// The settings, without the parts of URLs that may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3StoreBuilder")
            .field("bucket", &self.bucket)
            .field("endpoint", &self.endpoint.as_deref().map(without_secrets))
            .field("public_url", &self.public_url.as_deref().map(without_secrets))
            .field("region", &self.region)
            .field("path_style", &self.path_style)
            .field("prefix", &self.prefix)
            .field("credentials", &self.credentials)
            .field("allow_http", &self.allow_http)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("part_size", &self.part_size)
            .field("parallelism", &self.parallelism)
            .field("checksums", &self.checksums)
            .field("batch_delete", &self.batch_delete)
            .field("lease", &self.lease)
            .field("probe", &self.probe)
            .finish_non_exhaustive()
    }
}
