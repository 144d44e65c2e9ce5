//! The address of a target, which can be passed to another process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netboot_publish::{LocalStore, MemoryStore, RsyncStore, RsyncTarget, S3StoreBuilder, Store};

use crate::patience::PATIENCE;
use crate::s3::builder_at;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Memory,
    Ministack,
    Nanio,
    Daemon,
    Ssh,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Local, Self::Memory, Self::Ministack, Self::Nanio, Self::Daemon, Self::Ssh];

    pub(crate) fn is_s3(self) -> bool {
        matches!(self, Self::Ministack | Self::Nanio)
    }

    /// Returns true if the target can compare and swap, by its documentation or its behaviour.
    pub(crate) fn compares_and_swaps(self) -> bool {
        matches!(self, Self::Local | Self::Memory | Self::Ministack)
    }
}

/// A target at an address. The address may be a proxy's.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    pub(crate) identity: PathBuf,
    pub(crate) user: String,
    pub(crate) host_key: String,
    pub(crate) temporary: PathBuf,
    /// The time for which a store at an rsync target waits without data.
    pub(crate) timeout: Duration,
}

/// A timeout for networks that lose data, where only the timeout ends a wait.
pub(crate) const IMPATIENCE: Duration = Duration::from_secs(10);

const VARIABLE: &str = "NETBOOT_TEST_PLACE";

impl Place {
    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        self.try_store().await.unwrap()
    }

    /// Builds the store. An S3 store probes the server, which may fail.
    pub(crate) async fn try_store(&self) -> Result<Arc<dyn Store>, netboot_publish::Error> {
        Ok(match self.kind {
            Kind::Local => Arc::new(LocalStore::new(self.directory.join(&self.name))),
            Kind::Memory => Arc::new(MemoryStore::new()),
            Kind::Ministack | Kind::Nanio => Arc::new(self.s3().build().await?),
            Kind::Daemon | Kind::Ssh => Arc::new(self.rsync()),
        })
    }

    /// Nothing ends because the machine is slow.
    pub(crate) fn s3(&self) -> S3StoreBuilder {
        builder_at(format!("http://{}", self.address))
            .prefix(self.name.as_str())
            .part_size(5 << 20)
            .lock_lease(PATIENCE)
            .retries(6, PATIENCE)
            .timeout(PATIENCE)
    }

    pub(crate) fn rsync(&self) -> RsyncStore {
        let builder = if self.kind == Kind::Ssh {
            let path = self.directory.join(&self.name);
            let path = path.to_str().unwrap();
            let target = RsyncTarget::ssh(&self.user, "127.0.0.1", self.address.port(), path);
            RsyncStore::builder(target.unwrap())
                .identity_file(&self.identity)
                .host_key(&self.host_key)
        } else {
            let port = self.address.port();
            let target = RsyncTarget::daemon("127.0.0.1", port, "pub", &self.name);
            RsyncStore::builder(target.unwrap())
        };
        builder.staging_directory(&self.temporary).timeout(self.timeout).build().unwrap()
    }

    /// The environment variables for [`from_environment`] in another process.
    ///
    /// [`from_environment`]: Self::from_environment
    pub(crate) fn environment(&self) -> (&'static str, String) {
        let kind = Kind::ALL.iter().position(|kind| *kind == self.kind).unwrap();
        let fields = [
            kind.to_string(),
            self.address.to_string(),
            self.name.clone(),
            self.directory.to_str().unwrap().to_owned(),
            self.identity.to_str().unwrap().to_owned(),
            self.user.clone(),
            self.host_key.clone(),
            self.temporary.to_str().unwrap().to_owned(),
        ];
        (VARIABLE, fields.join("\n"))
    }

    /// The target that the environment of this process names.
    pub(crate) fn from_environment() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        let mut fields = text.split('\n');
        let mut field = || fields.next().unwrap().to_owned();
        Some(Self {
            kind: Kind::ALL[field().parse::<usize>().unwrap()],
            address: field().parse().unwrap(),
            name: field(),
            directory: field().into(),
            identity: field().into(),
            user: field(),
            host_key: field(),
            temporary: field().into(),
            timeout: PATIENCE,
        })
    }
}
