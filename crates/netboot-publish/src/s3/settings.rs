//! The settings of a store in a bucket, already checked.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum, S3ConditionalPut};
use object_store::client::{HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};
use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use url::Url;

use super::connector::Connector;
use super::credentials::{Bridge, Checked, S3Credentials};
use super::endpoint::url_below;
use super::redirect::Bucket;
use crate::retry::Retry;

/// The maximum time without data while an object is read.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The settings of the connections to a bucket.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) bucket: String,
    /// The URL of the bucket. It ends with a `/` only if the bucket is in the host name.
    pub(super) bucket_url: Url,
    pub(super) public_url: Option<Url>,
    pub(super) region: String,
    pub(super) credentials: S3Credentials,
    pub(super) certificates: Vec<Certificate>,
    /// The certificates once more, for requests to the bucket.
    pub(super) authorities: Vec<reqwest::Certificate>,
    pub(super) allow_http: bool,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
    pub(super) part_size: usize,
    pub(super) parallelism: usize,
    pub(super) checksums: bool,
    pub(super) batch_delete: bool,
    pub(super) lease: Duration,
    /// The name of the server's software, once an answer has arrived.
    pub(super) software: Arc<OnceLock<String>>,
}

impl Settings {
    pub(super) fn is_anonymous(&self) -> bool {
        matches!(self.credentials, S3Credentials::Anonymous)
    }

    /// The URL of a key. The keys of this store have no character that needs escaping.
    pub(super) fn url(&self, key: &Path) -> Url {
        url_below(&self.bucket_url, key.as_ref())
    }

    /// A client for reading. An object may be large and the network slow, so there is no time limit
    /// for the whole answer.
    pub(super) fn reads(&self) -> object_store::Result<AmazonS3> {
        let silence = READ_TIMEOUT.min(self.timeout);
        let options = self.options().with_timeout_disabled().with_read_timeout(silence);
        self.s3(options, self.connector(|client| client.read_timeout(silence))?)
    }

    /// A client for writing. The size of a request is limited, and so is its time.
    pub(super) fn writes(&self) -> object_store::Result<AmazonS3> {
        let connector = self.connector(|client| client.timeout(self.timeout))?;
        self.s3(self.options().with_timeout(self.timeout), connector)
    }

    /// A client for requests that are signed here.
    pub(super) fn http(&self) -> object_store::Result<HttpClient> {
        let connector = self.connector(|client| client.timeout(self.timeout))?;
        connector.connect(&self.options().with_timeout(self.timeout))
    }

    /// A connector for requests to the bucket. Its client has the settings of
    /// [`options`](Self::options), and follows no redirect.
    fn connector(
        &self,
        limit: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> object_store::Result<Connector> {
        let client = limit(reqwest::Client::builder())
            .redirect(Policy::none())
            .connect_timeout(self.connect_timeout)
            .https_only(!self.allow_http)
            .http1_only()
            // The size of an object is that of the body.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .tls_certs_merge(self.authorities.iter().cloned())
            .user_agent(concat!("netboot-publish/", env!("CARGO_PKG_VERSION")))
            .build();
        let failed = |error| object_store::Error::Generic { store: "S3", source: Box::new(error) };
        let bucket = Bucket { name: self.bucket.clone(), region: self.region.clone() };
        let software = self.software.clone();
        Ok(Connector::new(client.map_err(failed)?, &self.bucket_url, bucket, software))
    }

    fn options(&self) -> ClientOptions {
        let options = ClientOptions::new()
            .with_allow_http(self.allow_http)
            .with_connect_timeout(self.connect_timeout)
            // Simultaneous requests on separate connections are faster than on one shared
            // connection.
            .with_http1_only();
        let add = ClientOptions::with_root_certificate;
        self.certificates.iter().cloned().fold(options, add)
    }

    fn s3(&self, options: ClientOptions, connector: Connector) -> object_store::Result<AmazonS3> {
        let builder = match &self.credentials {
            S3Credentials::Environment => from_environment(),
            S3Credentials::Keys(keys) => {
                let keys = object_store::StaticCredentialProvider::new(keys.to_aws());
                AmazonS3Builder::new().with_credentials(std::sync::Arc::new(keys))
            }
            S3Credentials::Provider(provider) => {
                let bridge = std::sync::Arc::new(Bridge(provider.clone()));
                AmazonS3Builder::new().with_credentials(bridge)
            }
            S3Credentials::Anonymous => AmazonS3Builder::new().with_skip_signature(true),
        };
        let url = self.bucket_url.as_str().trim_end_matches('/');
        let builder = builder
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            // The URL already contains the bucket.
            .with_endpoint(url)
            .with_config(AmazonS3ConfigKey::S3Endpoint, url)
            .with_virtual_hosted_style_request(true)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // Batches are sent here: the client crate panics on some answers.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: self.retry.first,
                    max_backoff: self.retry.longest,
                    base: 2.0,
                },
                max_retries: self.retry.attempts,
                retry_timeout: self.retry.total,
            })
            .with_client_options(options)
            .with_http_connector(connector);
        let builder = if self.checksums {
            builder.with_checksum_algorithm(Checksum::SHA256)
        } else {
            builder
        };
        if self.is_anonymous() {
            return builder.build();
        }
        let keys = builder.clone().build()?.credentials().clone();
        let is_given = matches!(self.credentials, S3Credentials::Provider(_));
        let checked = Checked { provider: keys, is_given };
        builder.with_credentials(std::sync::Arc::new(checked)).build()
    }
}

/// The client crate's settings in the environment, without its checksums: `server_checksums` alone
/// decides about them.
fn from_environment() -> AmazonS3Builder {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("AWS_"))?;
        Some((name.to_ascii_lowercase().parse().ok()?, value.into_string().ok()?))
    });
    variables
        .filter(|(key, _)| *key != AmazonS3ConfigKey::Checksum)
        .fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("bucket_url", &self.bucket_url.as_str())
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .field("retry", &self.retry)
            .field("part_size", &self.part_size)
            .field("parallelism", &self.parallelism)
            .finish_non_exhaustive()
    }
}
