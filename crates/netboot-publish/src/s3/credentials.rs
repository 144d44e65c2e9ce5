//! The credentials for requests.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::{AwsCredential, AwsCredentialProvider};

/// An access key and its secret key. `Debug` does not show the secret key.
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
    /// An access key with its secret key.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        let (access_key, secret_key) = (access_key.into(), secret_key.into());
        Self { access_key, secret_key, session_token: None }
    }

    /// Adds a session token, which temporary keys need.
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

/// Provides keys for signing requests: from a profile, from a vault, by single sign-on.
///
/// The store calls it for every request. An implementation should therefore keep its keys until
/// shortly before they expire.
///
/// ```
/// use std::error::Error;
/// use std::path::PathBuf;
/// use std::sync::Arc;
/// use netboot_publish::{S3CredentialProvider, S3Credentials, S3Keys, S3Store, async_trait};
///
/// /// Reads the keys from two lines of a file that another program renews.
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
    /// Returns the keys to sign the next request with.
    ///
    /// # Errors
    /// If there are no keys. The error becomes the source of the request's error.
    async fn keys(&self) -> Result<S3Keys, Box<dyn StdError + Send + Sync>>;
}

/// The source of the keys for signing requests.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum S3Credentials {
    /// The environment, in this order: the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`
    /// and `AWS_SESSION_TOKEN`; a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`);
    /// the credentials of the container or pod; the credentials of the instance. For profiles and
    /// single sign-on, see [`Provider`](Self::Provider).
    #[default]
    Environment,
    /// These keys.
    Keys(S3Keys),
    /// The keys that this provider returns for each request.
    Provider(Arc<dyn S3CredentialProvider>),
    /// No keys: requests are not signed. Machines that boot also send unsigned requests.
    Anonymous,
}

impl From<S3Keys> for S3Credentials {
    fn from(keys: S3Keys) -> Self {
        Self::Keys(keys)
    }
}

impl From<&S3Keys> for S3Credentials {
    fn from(keys: &S3Keys) -> Self {
        Self::Keys(keys.clone())
    }
}

/// Lets several stores take the same source.
impl From<&Self> for S3Credentials {
    fn from(credentials: &Self) -> Self {
        credentials.clone()
    }
}

/// Adapts a provider to the client crate.
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

/// Checks the keys of a provider: the client crate panics on keys that no header can hold. Marks
/// the errors of the provider, which may look like answers of the bucket's server.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) provider: AwsCredentialProvider,
    /// True for the provider of a caller.
    pub(super) is_given: bool,
}

#[async_trait]
impl CredentialProvider for Checked {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let is_given = self.is_given;
        let marked = |source| {
            let source = Box::new(NoKeys { is_given, source: Box::new(source) });
            object_store::Error::Generic { store: "keys", source }
        };
        let keys = self.provider.get_credential().await.map_err(marked)?;
        match check(&keys) {
            Ok(()) => Ok(keys),
            Err(key) => {
                // A variable that is set to nothing is not set.
                let is_unset = key.is_empty() && !is_given;
                let error = object_store::Error::Generic { store: "keys", source: Box::new(key) };
                Err(if is_unset { marked(error) } else { error })
            }
        }
    }
}

/// No keys came from where they should come from.
#[derive(Debug, thiserror::Error)]
#[error("there are no keys to sign requests with")]
pub(super) struct NoKeys {
    /// True if a provider of the caller gave none, false if the environment has none.
    pub(super) is_given: bool,
    source: Box<object_store::Error>,
}

/// A key or a token that cannot sign a request. It does not show the text, which is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {part} {problem}")]
pub(super) struct InvalidKey {
    pub(super) part: &'static str,
    problem: &'static str,
}

impl InvalidKey {
    /// True for a variable that is set to nothing, as scripts do with a secret that is missing.
    pub(super) fn is_empty(&self) -> bool {
        self.problem == EMPTY
    }
}

/// The problem with a key that is not there.
const EMPTY: &str = "is empty";

/// Checks that a request can hold these keys.
pub(super) fn check(keys: &AwsCredential) -> Result<(), InvalidKey> {
    let refuse = |part, problem| Err(InvalidKey { part, problem });
    let is_visible = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
    let token = keys.token.as_deref().unwrap_or("none");
    for (part, text) in [
        ("access key", keys.key_id.as_str()),
        ("secret key", keys.secret_key.as_str()),
        ("session token", token),
    ] {
        if text.is_empty() {
            return refuse(part, EMPTY);
        }
        if text.contains(['\n', '\r']) {
            return refuse(part, "contains a line break");
        }
        if text.chars().any(char::is_control) {
            return refuse(part, "contains a control character");
        }
        if part != "secret key" && !is_visible(text) {
            return refuse(part, "contains a space or a character that is not ASCII");
        }
    }
    Ok(())
}
