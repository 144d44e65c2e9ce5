//! Whose rights requests have.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;

/// An access key and its secret; `Debug` shows the secret to nobody.
///
/// ```
/// use netboot_publish::S3Keys;
///
/// let keys = S3Keys::new("AKIAEXAMPLE", "a secret").with_session_token("a token");
/// assert!(!format!("{keys:?}").contains("a secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct S3Keys {
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
}

impl S3Keys {
    /// An access key with its secret.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        let (access_key, secret_key) = (access_key.into(), secret_key.into());
        Self { access_key, secret_key, session_token: None }
    }

    /// The same with the token of a session, which keys that end by themselves have.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    pub(super) fn to_aws(&self) -> AwsCredential {
        AwsCredential {
            key_id: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
            token: self.session_token.clone(),
        }
    }
}

impl fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Keys").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Gives keys whenever a request is signed: from a profile, from a vault, by single sign-on. What
/// it gives it should keep until shortly before it ends, since it is asked for every request.
///
/// ```
/// use std::error::Error;
/// use std::path::PathBuf;
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use netboot_publish::{S3CredentialProvider, S3Credentials, S3Keys, S3Store};
///
/// /// Two lines of a file, which something else renews.
/// #[derive(Debug)]
/// struct KeyFile(PathBuf);
///
/// #[async_trait]
/// impl S3CredentialProvider for KeyFile {
///     async fn keys(&self) -> Result<S3Keys, Box<dyn Error + Send + Sync>> {
///         let text = std::fs::read_to_string(&self.0)?;
///         let (access_key, secret_key) = text.trim().split_once('\n').ok_or("two lines")?;
///         Ok(S3Keys::new(access_key, secret_key))
///     }
/// }
///
/// let keys = Arc::new(KeyFile("/run/credentials/s3".into()));
/// let builder = S3Store::builder("netboot").credentials(S3Credentials::Provider(keys));
/// # drop(builder);
/// # let file = tempfile::NamedTempFile::new().unwrap();
/// # std::fs::write(file.path(), "id\nsecret\n").unwrap();
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # assert!(runtime.block_on(KeyFile(file.path().into()).keys()).is_ok());
/// ```
#[async_trait]
pub trait S3CredentialProvider: fmt::Debug + Send + Sync {
    /// The keys to sign with now.
    ///
    /// # Errors
    /// Whatever keeps it from giving keys; it becomes the source of the request's error.
    async fn keys(&self) -> Result<S3Keys, Box<dyn StdError + Send + Sync>>;
}

/// Where the keys come from that requests are signed with.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum S3Credentials {
    /// The environment, in this order: the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`
    /// and `AWS_SESSION_TOKEN`; a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`);
    /// the container's or the pod's credentials; those of the instance. Profiles and single
    /// sign-on are not read: see [`Provider`](Self::Provider).
    #[default]
    Environment,
    /// These.
    Keys(S3Keys),
    /// What this gives each time.
    Provider(Arc<dyn S3CredentialProvider>),
    /// None: requests are not signed, as those of machines that boot are not.
    Anonymous,
}

impl From<S3Keys> for S3Credentials {
    fn from(keys: S3Keys) -> Self {
        Self::Keys(keys)
    }
}

/// A provider as the client crate wants it.
#[derive(Debug)]
pub(super) struct Bridge(pub(super) Arc<dyn S3CredentialProvider>);

#[async_trait]
impl CredentialProvider for Bridge {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        match self.0.keys().await {
            Ok(keys) => Ok(Arc::new(keys.to_aws())),
            Err(source) => Err(object_store::Error::Generic { store: "credentials", source }),
        }
    }
}
