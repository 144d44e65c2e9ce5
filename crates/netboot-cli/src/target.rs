//! A target as people write it: one word for a directory, a bucket, a repository of a registry, or
//! a directory of another machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use netboot_core::SiteName;
use netboot_publish::{LocalStore, Publisher, RsyncStoreBuilder};

use self::bucket::Bucket;
use self::location::{Kind, Refusal, kind, shown};
pub(crate) use self::location::{is_directory, is_location};
use self::registry::Registry;
use self::signing::Signing;
use crate::configuration::signing::SigningSection;
use crate::configuration::target_entry::TargetTable;
use crate::error::Error;

mod bucket;
mod certificates;
mod credentials;
mod location;
mod registry;
mod rsync;
mod signing;

/// A place that releases are published to.
///
/// | text | place |
/// |---|---|
/// | `/srv/pxe/nixos`, `./pxe` | a directory of this machine |
/// | `s3://BUCKET/PREFIX?endpoint=URL&region=NAME` | a bucket of an S3-compatible store |
/// | `oci://HOST/REPOSITORY` | a repository of a registry that speaks the OCI distribution API |
/// | `USER@HOST:/PATH` | a directory of another machine, with `rsync` over ssh; `USER@HOST:PATH` starts at the home directory |
/// | `rsync://HOST/MODULE/PATH` | a directory of an rsync daemon |
///
/// The parameters of a bucket are `endpoint`, `region`, `path-style`, `public-url`, `allow-http`,
/// `server-checksums` and `batch-delete`, like the methods of [`netboot_publish::S3StoreBuilder`].
/// A repository has the parameter `allow-http`. The text never has credentials: they come from the
/// environment (`AWS_ACCESS_KEY_ID`, `RSYNC_PASSWORD`), from the login of podman or docker, from
/// ssh's own files, or from files that `netboot.toml` names.
///
/// ```
/// use netboot_cli::Target;
///
/// let directory: Target = "/srv/pxe/nixos".parse()?;
/// assert!(directory.directory().is_some());
/// let bucket: Target = "s3://netboot/nixos?endpoint=https://s3.example.org".parse()?;
/// assert_eq!(bucket.to_string(), "s3://netboot/nixos?endpoint=https://s3.example.org");
/// assert!("publisher@boot.example.org:/srv/pxe".parse::<Target>()?.directory().is_none());
/// # Ok::<(), netboot_cli::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Target {
    text: String,
    name: Option<SiteName>,
    place: Place,
    signing: Option<Signing>,
    server_memory: Option<PathBuf>,
}

#[derive(Debug, Clone)]
enum Place {
    Directory(PathBuf),
    Bucket(Bucket),
    Registry(Registry),
    Rsync(Box<RsyncStoreBuilder>),
}

impl Target {
    /// The target of an entry of `[targets]`.
    pub(crate) fn of(name: &SiteName, table: &TargetTable) -> Result<Self, Error> {
        let text = table.location.clone();
        let invalid = |refusal| invalid(&text, refusal);
        let place = match kind(&text).map_err(invalid)? {
            Kind::Directory => Place::Directory(text.clone().into()),
            Kind::Bucket => {
                Place::Bucket(Bucket::parse(&text).and_then(|it| it.with(table)).map_err(invalid)?)
            }
            Kind::Registry => Place::Registry(
                Registry::parse(&text).and_then(|it| it.with(table)).map_err(invalid)?,
            ),
            Kind::Rsync => Place::Rsync(Box::new(rsync::with_settings(table).map_err(invalid)?)),
        };
        if let Some(key) = misplaced(&place, table) {
            let problem = format!("it is {}, which has no `{key}`", place.kind());
            return Err(invalid(Refusal::new(problem, location::misplaced_hint(key))));
        }
        Ok(Self { text, name: Some(name.clone()), place, signing: None, server_memory: None })
    }

    /// Adds the keys of `[signing]`, which a publisher gets. Their files are read when they are
    /// needed.
    pub(crate) fn with_signing(mut self, signing: SigningSection, file: PathBuf) -> Self {
        self.signing = Some(Signing { section: signing, file });
        self
    }

    /// Sets a file that remembers what the servers of buckets support: see
    /// [`S3StoreBuilder::server_memory`](netboot_publish::S3StoreBuilder::server_memory). A
    /// publisher to a bucket then tests its server once, and not each time. It has no effect on
    /// other targets.
    #[must_use]
    pub fn with_server_memory(mut self, file: impl Into<PathBuf>) -> Self {
        self.server_memory = Some(file.into());
        self
    }

    /// The name in `netboot.toml`, if the target has one.
    pub fn name(&self) -> Option<&SiteName> {
        self.name.as_ref()
    }

    /// The directory, if the target is a directory of this machine.
    pub fn directory(&self) -> Option<&Path> {
        match &self.place {
            Place::Directory(path) => Some(path),
            Place::Bucket(_) | Place::Registry(_) | Place::Rsync(_) => None,
        }
    }

    /// Returns a publisher to the target. For a bucket or a repository, this first tests what the
    /// server supports.
    /// A target of a configuration with `[signing]` gives the publisher its keys.
    ///
    /// # Errors
    /// If the server cannot be reached, the target's settings are wrong, or a file of the keys
    /// cannot be read.
    pub async fn publisher(&self) -> Result<Publisher, Error> {
        let keys = self.signing.as_ref().map(Signing::keys).transpose()?;
        let publisher = self.open(true).await?;
        Ok(keys.iter().fold(publisher, |publisher, keys| keys.apply(publisher)))
    }

    /// Returns a publisher that only reads the target. Unlike [`publisher`](Self::publisher), this
    /// writes nothing to a bucket or a repository to test it, and does not read the file of the
    /// secret key, so that the permission to read the target is enough.
    ///
    /// # Errors
    /// The errors of [`publisher`](Self::publisher).
    pub async fn reader(&self) -> Result<Publisher, Error> {
        let keys = self.signing.as_ref().map(Signing::public_keys).transpose()?;
        let publisher = self.open(false).await?;
        Ok(keys.iter().fold(publisher, |publisher, keys| keys.apply(publisher)))
    }

    /// Opens the place. If `probes`, tests what the server of a bucket or a repository supports.
    async fn open(&self, probes: bool) -> Result<Publisher, Error> {
        let target = |source| Error::Target { text: shown(&self.text), source: Box::new(source) };
        Ok(match &self.place {
            Place::Directory(path) => Publisher::new(LocalStore::new(path)),
            Place::Bucket(bucket) => {
                let mut store = bucket.store()?;
                if let Some(file) = &self.server_memory {
                    store = store.server_memory(file);
                }
                let store = if probes { store } else { store.without_probe() };
                Publisher::new(store.build().await.map_err(target)?)
            }
            Place::Registry(registry) => {
                let store = registry.store()?;
                let store = if probes { store } else { store.without_probe() };
                Publisher::new(store.build().await.map_err(target)?)
            }
            Place::Rsync(store) => {
                let store = RsyncStoreBuilder::clone(store);
                Publisher::new(store.build().map_err(target)?)
            }
        })
    }
}

/// Reads a location. The names of `netboot.toml` are no locations.
impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |refusal| invalid(text, refusal);
        let place = match kind(text).map_err(invalid)? {
            Kind::Directory => Place::Directory(text.into()),
            Kind::Bucket => Place::Bucket(Bucket::parse(text).map_err(invalid)?),
            Kind::Registry => Place::Registry(Registry::parse(text).map_err(invalid)?),
            Kind::Rsync => Place::Rsync(Box::new(rsync::parse(text).map_err(invalid)?)),
        };
        Ok(Self { text: text.to_owned(), name: None, place, signing: None, server_memory: None })
    }
}

fn invalid(text: &str, refusal: Refusal) -> Error {
    let Refusal { problem, hint } = refusal;
    Error::InvalidTarget { text: shown(text), problem, hint }
}

impl Place {
    fn kind(&self) -> &'static str {
        match self {
            Self::Directory(_) => "a directory",
            Self::Bucket(_) => "a bucket",
            Self::Registry(_) => "a repository of a registry",
            Self::Rsync(_) => "a directory of another machine",
        }
    }
}

/// The first setting of another kind of place.
fn misplaced(place: &Place, table: &TargetTable) -> Option<&'static str> {
    let bucket = [
        ("endpoint", table.endpoint.is_some()),
        ("region", table.region.is_some()),
        ("path-style", table.path_style.is_some()),
        ("public-url", table.public_url.is_some()),
        ("server-checksums", table.server_checksums.is_some()),
        ("batch-delete", table.batch_delete.is_some()),
        ("profile", table.profile.is_some()),
    ];
    let web = [
        ("allow-http", table.allow_http.is_some()),
        ("ca-certificate-file", table.ca_certificate_file.is_some()),
        ("credentials-file", table.credentials_file.is_some()),
    ];
    let rsync = [
        ("port", table.port.is_some()),
        ("identity-file", table.identity_file.is_some()),
        ("known-hosts-file", table.known_hosts_file.is_some()),
        ("host-key", table.host_key.is_some()),
        ("password-file", table.password_file.is_some()),
    ];
    let of_bucket = bucket.iter().filter(|_| !matches!(place, Place::Bucket(_)));
    let of_rsync = rsync.iter().filter(|_| !matches!(place, Place::Rsync(_)));
    let of_web = web.iter().filter(|_| !matches!(place, Place::Bucket(_) | Place::Registry(_)));
    of_bucket.chain(of_web).chain(of_rsync).find(|(_, is_set)| *is_set).map(|(key, _)| *key)
}

/// The name in `netboot.toml`, or the location as it was written.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => name.fmt(f),
            None => f.write_str(&self.text),
        }
    }
}
