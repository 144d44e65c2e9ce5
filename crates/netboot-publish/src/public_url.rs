//! A target as machines see it: over HTTP, through every proxy and cache on the way.

pub(crate) mod fetch;
pub(crate) mod verify;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{PointerName, ReleasePath};
use url::Url;

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::pointer::trust::PointerTrust;
use crate::pointer_memory::{PointerMemory, VolatilePointerMemory};
use crate::signature::trusted_keys::TrustedKeys;

/// The time limit for connecting, and for each silence of a server.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The URL of a target's root, from which machines fetch.
///
/// A store can be correct while machines read something else: a cache returns last week's pointer,
/// a proxy shows a login page with status 200, a web server serves another directory. This type
/// therefore reads as machines do: without the proxy of the environment, without a cache, without
/// compression. It needs no access to the store.
///
/// ```no_run
/// use netboot_core::Context;
/// use netboot_publish::{PublicUrl, VerifyDepth};
///
/// # async fn look() -> Result<(), netboot_publish::Error> {
/// let url = PublicUrl::new("http://boot.example.net/netboot/")?;
/// let report = url.verify(VerifyDepth::Content, &Context::new()).await?;
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PublicUrl {
    root: Url,
    client: reqwest::Client,
    authorities: Vec<reqwest::Certificate>,
    pointer: PointerName,
    trusted_keys: Option<TrustedKeys>,
    memory: Arc<dyn PointerMemory>,
    clock: Arc<dyn Clock>,
}

impl PublicUrl {
    /// Makes a target with its root at `url`, which is `http` or `https`, and the pointer
    /// `current`.
    ///
    /// # Errors
    /// [`Error::InvalidPublicUrl`].
    pub fn new(url: &str) -> Result<Self, Error> {
        let invalid = |problem: &str| {
            let problem = problem.to_owned();
            Error::InvalidPublicUrl { url: without_password(url), problem }
        };
        let has_scheme = ["http://", "https://"].iter().any(|scheme| {
            url.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme))
        });
        if !has_scheme {
            return Err(invalid("it does not begin with `http://` or `https://`"));
        }
        let mut root = Url::parse(url).map_err(|error| invalid(&error.to_string()))?;
        if root.query().is_some() || root.fragment().is_some() {
            return Err(invalid("it has a query or a fragment, and no path can follow that"));
        }
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        let client = Self::client(&[]).map_err(|error| invalid(&error.to_string()))?;
        let (authorities, pointer) = (Vec::new(), PointerName::default());
        Ok(Self {
            root,
            client,
            authorities,
            pointer,
            trusted_keys: None,
            memory: Arc::new(VolatilePointerMemory::default()),
            clock: Arc::new(SystemClock),
        })
    }

    /// Sets the pointer.
    ///
    /// # Errors
    /// [`InvalidValue`](netboot_core::InvalidValue) for a text that is not the name of a pointer.
    pub fn with_pointer<N: TryInto<PointerName>>(mut self, pointer: N) -> Result<Self, N::Error> {
        self.pointer = pointer.try_into()?;
        Ok(self)
    }

    /// Sets the keys that may sign the manifest of the live release, and the pointer.
    #[must_use]
    pub fn with_trusted_keys(mut self, keys: impl Into<TrustedKeys>) -> Self {
        self.trusted_keys = Some(keys.into());
        self
    }

    /// Sets the memory of pointers. With trusted keys, a pointer that is older than one that was
    /// seen at this URL is a finding. The default forgets when the program ends.
    #[must_use]
    pub fn with_pointer_memory(mut self, memory: impl PointerMemory + 'static) -> Self {
        self.memory = Arc::new(memory);
        self
    }

    /// Sets the clock, which best-before dates are compared with. The default is the clock of the
    /// system.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Adds trusted certificate authorities, in PEM, such as a site's own. The authorities of the
    /// system and of earlier calls stay trusted.
    ///
    /// # Errors
    /// [`Error::InvalidPublicUrl`] if the PEM has no certificate.
    pub fn with_certificate_authorities(mut self, pem: &[u8]) -> Result<Self, Error> {
        let invalid = |problem: String| Error::InvalidPublicUrl { url: self.to_string(), problem };
        let authorities = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|error| invalid(error.to_string()))?;
        if authorities.is_empty() {
            return Err(invalid("there is no certificate authority in the PEM".to_owned()));
        }
        let all = [&self.authorities[..], &authorities].concat();
        self.client = Self::client(&all).map_err(|error| invalid(error.to_string()))?;
        self.authorities = all;
        Ok(self)
    }

    fn client(authorities: &[reqwest::Certificate]) -> Result<reqwest::Client, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .user_agent(concat!("netboot-publish/", env!("CARGO_PKG_VERSION")));
        builder.tls_certs_merge(authorities.iter().cloned()).build()
    }

    /// The check of pointers from this URL.
    pub(crate) fn pointer_trust(&self) -> PointerTrust {
        PointerTrust {
            keys: self.trusted_keys.as_ref().map(TrustedKeys::any),
            memory: self.memory.clone(),
            clock: self.clock.clone(),
            // Nobody knows which store is behind the server.
            counters_are_unique: false,
        }
    }

    fn url(&self, path: &ReleasePath) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{path}", self.root.path()));
        url
    }
}

/// Shows the URL without its password.
impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&without_password(self.root.as_str()))
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicUrl")
            .field("root", &without_password(self.root.as_str()))
            .field("pointer", &self.pointer)
            .field("trusted_keys", &self.trusted_keys)
            .finish_non_exhaustive()
    }
}

/// Hides the password of a URL. If the URL cannot be parsed, removes everything up to the last `@`,
/// where a password could end.
fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => match parsed.set_password(Some("***")) {
            Ok(()) => parsed.into(),
            Err(()) => String::new(),
        },
        Ok(parsed) => parsed.into(),
        Err(_) => url.split('@').next_back().unwrap_or_default().to_owned(),
    }
}
