//! The targets of releases: directories, buckets, and directories that `rsync` reaches.

use std::path::{Path, PathBuf};

use netboot_core::{ReleasePath, SiteName};
use netboot_publish::{
    Error, LocalStore, Publisher, RsyncStore, RsyncTarget, S3Store, S3StoreBuilder,
};
use serde::Deserialize;

use super::error::Problem;

/// One target to which releases are published.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A bucket. Its credentials come from the environment: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and so on.
    S3(S3Section),
    /// A directory that `rsync` reaches, over ssh or with a daemon.
    Rsync(RsyncSection),
}

/// An entry of `[[publishers]]`: a name, and one of the three kinds.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PublisherSection {
    pub(super) name: SiteName,
    directory: Option<PathBuf>,
    s3: Option<S3Section>,
    rsync: Option<RsyncSection>,
}

/// A bucket.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct S3Section {
    bucket: String,
    endpoint: Option<String>,
    region: Option<String>,
    prefix: Option<ReleasePath>,
    path_style: Option<bool>,
    public_url: Option<String>,
    #[serde(default)]
    allow_http: bool,
}

/// A directory that `rsync` reaches.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RsyncSection {
    target: String,
    port: Option<u16>,
    identity_file: Option<PathBuf>,
    known_hosts_file: Option<PathBuf>,
    host_key: Option<String>,
    password_file: Option<PathBuf>,
}

impl PublisherSection {
    pub(super) fn check(self) -> Result<(SiteName, Target), Problem> {
        let key = format!("publishers `{}`", self.name);
        let target = match (self.directory, self.s3, self.rsync) {
            (Some(path), None, None) if path.is_absolute() => Target::Directory(path),
            (Some(path), None, None) => {
                let problem = format!("the path `{}` is relative", path.display());
                let hint = "write an absolute path: a service has no working directory of its own";
                return Err(Problem::new(format!("{key} directory"), problem, hint));
            }
            (None, Some(s3), None) => {
                // The connection is made at the first use.
                s3.builder().check().map_err(|error| Problem::of(&key, &error, error.hint()))?;
                Target::S3(s3)
            }
            (None, None, Some(rsync)) => {
                // Making an rsync store does not connect to anything.
                rsync.store().map_err(|error| Problem::of(&key, &error, error.hint()))?;
                Target::Rsync(rsync)
            }
            _ => {
                let hint = "give it one of directory, s3 and rsync";
                return Err(Problem::new(key, "it does not name exactly one target", hint));
            }
        };
        Ok((self.name, target))
    }
}

impl Target {
    /// A publisher to the target. For a bucket, this first tests what the server supports.
    ///
    /// # Errors
    /// If the bucket cannot be reached, or its settings are wrong.
    pub(crate) async fn publisher(&self) -> Result<Publisher, Error> {
        match self {
            Self::Directory(path) => Ok(Publisher::new(LocalStore::new(path))),
            Self::S3(section) => Ok(Publisher::new(section.builder().build().await?)),
            Self::Rsync(section) => Ok(Publisher::new(section.store()?)),
        }
    }

    /// The directory, if the target is a directory of this machine.
    pub(crate) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Directory(path) => Some(path),
            Self::S3(_) | Self::Rsync(_) => None,
        }
    }
}

impl S3Section {
    fn builder(&self) -> S3StoreBuilder {
        let mut store = S3Store::builder(&self.bucket).allow_http(self.allow_http);
        if let Some(endpoint) = &self.endpoint {
            store = store.endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            store = store.region(region);
        }
        if let Some(prefix) = &self.prefix {
            store = store.prefix(prefix.clone());
        }
        if let Some(path_style) = self.path_style {
            store = store.path_style(path_style);
        }
        if let Some(url) = &self.public_url {
            store = store.public_url(url);
        }
        store
    }
}

impl RsyncSection {
    fn store(&self) -> Result<RsyncStore, Error> {
        let mut target: RsyncTarget = self.target.parse()?;
        if let Some(port) = self.port {
            target = target.with_port(port);
        }
        let mut store = RsyncStore::builder(target);
        if let Some(path) = &self.identity_file {
            store = store.identity_file(path);
        }
        if let Some(path) = &self.known_hosts_file {
            store = store.known_hosts_file(path);
        }
        if let Some(key) = &self.host_key {
            store = store.host_key(key);
        }
        if let Some(path) = &self.password_file {
            store = store.password_file(path);
        }
        store.build()
    }
}
