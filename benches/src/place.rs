//! The places that benchmarks publish to, as a process of its own is told them.

use std::net::SocketAddr;
use std::path::PathBuf;

use netboot_publish::{
    LocalStore, OciCredentials, OciStore, Publisher, RsyncStore, RsyncTarget, S3Keys, S3Store,
};
use serde::{Deserialize, Serialize};

/// The bucket of the S3 servers.
pub const BUCKET: &str = "images";

/// A place to publish to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Place {
    /// A directory.
    Local {
        /// Its path.
        directory: PathBuf,
    },
    /// A prefix of [`BUCKET`].
    S3 {
        /// The server, or a proxy before it.
        address: SocketAddr,
        /// The prefix.
        prefix: String,
    },
    /// A repository of a registry.
    Oci {
        /// The registry, or a proxy before it.
        address: SocketAddr,
        /// The repository.
        repository: String,
    },
    /// A directory in the module `pub` of an rsync daemon.
    RsyncDaemon {
        /// The port at 127.0.0.1.
        port: u16,
        /// The path in the module.
        path: String,
        /// The program that is run in place of `rsync`: see [`RunCounter`](crate::RunCounter).
        program: Option<PathBuf>,
    },
    /// A directory of another machine that is reached by ssh.
    RsyncSsh {
        /// The user.
        user: String,
        /// The port at 127.0.0.1.
        port: u16,
        /// The directory.
        directory: PathBuf,
        /// The private key.
        identity: PathBuf,
        /// The key of the host.
        host_key: String,
        /// The program that is run in place of `rsync`: see [`RunCounter`](crate::RunCounter).
        program: PathBuf,
    },
}

impl Place {
    /// A publisher to this place.
    ///
    /// # Panics
    /// If the place cannot be reached.
    pub async fn publisher(&self) -> Publisher {
        match self {
            Self::Local { directory } => Publisher::new(LocalStore::new(directory)),
            Self::S3 { address, prefix } => {
                let builder = S3Store::builder(BUCKET)
                    .endpoint(format!("http://{address}"))
                    .allow_http(true)
                    .credentials(S3Keys::new("netboot-tests", "a secret of the tests"))
                    .prefix(prefix.as_str());
                Publisher::new(builder.build().await.unwrap())
            }
            Self::Oci { address, repository } => {
                let builder = OciStore::builder(format!("{address}/{repository}"));
                let builder = builder.credentials(OciCredentials::Anonymous);
                Publisher::new(builder.build().await.unwrap())
            }
            Self::RsyncDaemon { port, path, program } => {
                let target = RsyncTarget::daemon("127.0.0.1", *port, "pub", path).unwrap();
                let mut builder = RsyncStore::builder(target);
                if let Some(program) = program {
                    builder = builder.rsync_program(program);
                }
                Publisher::new(builder.build().unwrap())
            }
            Self::RsyncSsh { user, port, directory, identity, host_key, program } => {
                let directory = directory.to_str().unwrap();
                let target = RsyncTarget::ssh(user, "127.0.0.1", *port, directory).unwrap();
                let builder = RsyncStore::builder(target).rsync_program(program);
                let builder = builder.identity_file(identity).host_key(host_key);
                Publisher::new(builder.build().unwrap())
            }
        }
    }
}
