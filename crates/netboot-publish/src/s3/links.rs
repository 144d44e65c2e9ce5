//! URLs of objects, for machines and people.

use std::time::Duration;

use http::Method;
use netboot_core::ReleasePath;
use object_store::signer::Signer;
use url::Url;

use super::endpoint::below;
use super::store::S3Store;
use crate::error::Error;

/// The longest time that a signature of S3 can be valid for: seven days.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl S3Store {
    /// Where machines see the target: the public URL that was set, or else the bucket's own with
    /// the prefix. Without a signature, it gives what the bucket's policy lets everyone read.
    pub fn public_url(&self) -> Url {
        let settings = &self.target.client.settings;
        let mut url = match &settings.public_url {
            Some(url) => url.clone(),
            None => below(&settings.bucket_url, self.target.keys.prefix()),
        };
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        url
    }

    /// Where machines see an object.
    pub fn object_url(&self, path: &ReleasePath) -> Url {
        below(&self.public_url(), path.as_str())
    }

    /// A bucket policy, in JSON, by which everyone may read what is below the prefix and nothing
    /// else: machines that boot have no keys. It is for whoever administers the bucket; a
    /// publisher's keys need no right to change policies.
    pub fn public_read_policy(&self) -> String {
        let (bucket, prefix) = (self.bucket(), self.target.keys.prefix());
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{bucket}/{prefix}*"}}]}}"#
        )
    }

    /// A URL by which whoever has it can read an object for that time, from the bucket's own
    /// endpoint and with the rights of this store's keys. It is a secret as long as it is valid.
    ///
    /// A script that is read by such a URL names its kernel relative to it, and so without a
    /// signature: sign each object that is to be read, or let a script of one's own name them.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for a time of none or over seven days, and where the store is
    /// anonymous; [`Error::S3`] when the keys cannot be had.
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
