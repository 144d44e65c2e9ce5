//! A target as people write it: one word for a directory, a bucket, or a directory of another
//! machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use netboot_publish::{LocalStore, Publisher, RsyncStore, RsyncTarget};

use self::bucket::Bucket;
use crate::error::Error;

mod bucket;

/// A place that releases are published to.
///
/// | text | place |
/// |---|---|
/// | `/srv/pxe/nixos`, `./pxe` | a directory of this machine |
/// | `s3://BUCKET/PREFIX?endpoint=URL&region=NAME` | a bucket of an S3-compatible store |
/// | `USER@HOST:/PATH` | a directory of another machine, with `rsync` over ssh |
/// | `rsync://HOST/MODULE/PATH` | a directory of an rsync daemon |
///
/// The parameters of a bucket are `endpoint`, `region`, `path-style`, `public-url` and
/// `allow-http`, as those of [`netboot_publish::S3StoreBuilder`]. The text never has credentials:
/// they come from the environment (`AWS_ACCESS_KEY_ID`, `RSYNC_PASSWORD`), from ssh's own files, or
/// from files that `netboot.toml` names.
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
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Directory(PathBuf),
    Bucket(Bucket),
    Rsync(RsyncTarget),
}

impl Target {
    /// The directory, if the target is a directory of this machine.
    pub fn directory(&self) -> Option<&Path> {
        match &self.place {
            Place::Directory(path) => Some(path),
            Place::Bucket(_) | Place::Rsync(_) => None,
        }
    }

    /// Returns a publisher to the target. For a bucket, this first tests what the server supports.
    ///
    /// # Errors
    /// If the bucket cannot be reached, or the target's settings are wrong.
    pub async fn publisher(&self) -> Result<Publisher, netboot_publish::Error> {
        Ok(match &self.place {
            Place::Directory(path) => Publisher::new(LocalStore::new(path)),
            Place::Bucket(bucket) => Publisher::new(bucket.store().build().await?),
            Place::Rsync(target) => Publisher::new(RsyncStore::open(target.clone())?),
        })
    }

    /// Returns a publisher that reads the target. Unlike [`publisher`](Self::publisher), this
    /// writes nothing to a bucket to test it, so that the permission to read is enough.
    ///
    /// # Errors
    /// If the target's settings are wrong.
    pub async fn reader(&self) -> Result<Publisher, netboot_publish::Error> {
        match &self.place {
            Place::Bucket(bucket) => {
                Ok(Publisher::new(bucket.store().without_probe().build().await?))
            }
            Place::Directory(_) | Place::Rsync(_) => self.publisher().await,
        }
    }
}

/// Reads a target. The names of `netboot.toml` are no targets by themselves.
impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |problem: String| Error::InvalidTarget { text: text.to_owned(), problem };
        let rsync = || {
            let target = text.parse::<RsyncTarget>();
            target.map(Place::Rsync).map_err(|error| invalid(error.to_string()))
        };
        let place = match text.split_once("://") {
            Some(("s3", _)) => Place::Bucket(Bucket::parse(text).map_err(invalid)?),
            Some(("rsync", _)) => rsync()?,
            Some((scheme, _)) => {
                return Err(invalid(format!("nothing is published to `{scheme}:` URLs")));
            }
            None if text.is_empty() => return Err(invalid("it is empty".to_owned())),
            None if is_remote(text) => rsync()?,
            None => Place::Directory(text.into()),
        };
        Ok(Self { text: text.to_owned(), place })
    }
}

/// True for `HOST:PATH`: as for rsync and scp, the colon comes before any slash.
fn is_remote(text: &str) -> bool {
    text.split_once(':').is_some_and(|(host, _)| !host.contains('/'))
}

/// The text, as it was written.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
