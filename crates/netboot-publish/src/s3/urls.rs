//! The public URLs of objects.

use std::time::Duration;

use http::Method;
use netboot_core::ReleasePath;
use object_store::signer::Signer;
use url::Url;

use super::endpoint::url_below;
use super::store::S3Store;
use crate::error::Error;

/// The maximum validity of an S3 signature: 7 days.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl S3Store {
    /// The URL under which machines see the target: the public URL of the settings, or the URL of
    /// the bucket with the prefix. Unsigned requests can read what the bucket's policy allows.
    pub fn public_url(&self) -> Url {
        let settings = &self.target.client.settings;
        let mut url = match &settings.public_url {
            Some(url) => url.clone(),
            None => url_below(&settings.bucket_url, self.target.keys.prefix()),
        };
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        url
    }

    /// The URL under which machines see an object.
    pub fn object_url(&self, path: &ReleasePath) -> Url {
        url_below(&self.public_url(), path.as_str())
    }

    /// A bucket policy in JSON that allows everyone to read the objects below the prefix and
    /// nothing else, because machines that boot have no keys. The administrator of the bucket sets
    /// it. The publisher's keys do not need the permission to change policies.
    pub fn public_read_policy(&self) -> String {
        let (bucket, prefix) = (self.bucket(), self.target.keys.prefix());
        // Ceph writes the tenant where Amazon writes the account.
        let colons = if bucket.contains(':') { "::" } else { ":::" };
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3{colons}{bucket}/{prefix}*"}}]}}"#
        )
    }

    /// A URL with which anyone can read an object for this time, from the bucket's own endpoint and
    /// with the permissions of this store's keys. The URL is a secret as long as it is valid.
    ///
    /// A script names its kernel by a relative URL, which has no signature. To boot with presigned
    /// URLs, sign the URL of each object and write a script that uses these URLs.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if the time is less than 1 s or more than 7 days, or if the store
    /// is anonymous; [`Error::S3`] if the keys cannot be fetched.
    pub async fn presigned_url(
        &self,
        path: &ReleasePath,
        valid_for: Duration,
    ) -> Result<Url, Error> {
        let invalid = |setting, problem: &str| {
            Err(Error::InvalidSetting { setting, problem: problem.to_owned() })
        };
        if self.target.client.settings.is_anonymous() {
            return invalid("credentials", "an anonymous store has no keys to sign a URL with");
        }
        if valid_for < Duration::from_secs(1) || valid_for > LONGEST {
            return invalid("time of a presigned URL", "expected 1 s to 7 days");
        }
        let key = self.target.keys.key(path);
        let signed = self.target.client.reads.signed_url(Method::GET, &key, valid_for).await;
        signed.map_err(|source| self.target.client.error("sign a URL of", &key, source))
    }
}
