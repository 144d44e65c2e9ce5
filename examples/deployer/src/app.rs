//! What every part of the service knows: one value, shared by all requests.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use netboot_core::{CancellationToken, KernelParameter, SiteName};
use netboot_examples::Progress;
use netboot_ipxe::{Renderer, RendererBuilder};
use netboot_publish::{ActivationPolicy, LocalStore, Publisher, Sites};
use tokio::sync::OnceCell;
use url::Url;

use crate::bearer::BearerToken;
use crate::config::Config;
use crate::jobs::Jobs;
use crate::problem::StartError;
use crate::reports::Reports;

/// The service: its configuration, and what it keeps.
#[derive(Debug)]
pub(crate) struct App {
    /// What the operator wrote.
    pub(crate) config: Config,
    /// What mutating requests have to show.
    pub(crate) token: BearerToken,
    /// Under which URL machines reach the service; ends in `/`.
    pub(crate) url: Url,
    /// The jobs, done and to be done.
    pub(crate) jobs: Arc<Jobs>,
    /// Where an operator reads what happens: standard error.
    pub(crate) log: Progress,
    /// What machines told.
    pub(crate) reports: Reports,
    /// Renders the scripts that this service answers machines with: payloads are below
    /// `/published`, wherever a script comes from.
    pub(crate) machine_scripts: Renderer,
    /// Cancelled when the service is to end: streams that would never end by themselves end then.
    pub(crate) shutdown: CancellationToken,
    /// Held as long as this lives, so that no second service works in the state directory.
    _lock: File,
    served: Publisher,
    publishers: BTreeMap<SiteName, OnceCell<Publisher>>,
    builds: Publisher,
}

impl App {
    /// Opens what the state directory keeps, for a service that listens at `address`. Nothing of
    /// it is worked on before the jobs are started.
    ///
    /// # Errors
    /// [`StartError`].
    pub(crate) async fn open(
        config: Config,
        token: BearerToken,
        address: SocketAddr,
        log: Progress,
    ) -> Result<Arc<Self>, StartError> {
        let url = match &config.url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("http://{address}/"))
                .map_err(|source| StartError::Url { address, source })?,
        };
        let state = &config.state_directory;
        tokio::fs::create_dir_all(state)
            .await
            .map_err(|source| StartError::io("create", state, source))?;
        let lock = lock(state)?;
        let jobs = Jobs::open(&state.join("jobs"))?;
        let reports = Reports::open(&state.join("reports"), log.clone()).await?;
        let served = Publisher::new(LocalStore::new(&config.served.1));
        let builds = Publisher::new(LocalStore::new(state.join("builds")));
        let publishers =
            config.targets.iter().map(|(name, _)| (name.clone(), OnceCell::new())).collect();
        let shutdown = CancellationToken::new();
        // A file that no script can be made of is found now, and not by a machine.
        let machine_scripts = renderer_of(&config, &url)?.payload_url(&below(&url, "published"))?;
        Ok(Arc::new(Self {
            machine_scripts: machine_scripts.build()?,
            config,
            token,
            url,
            jobs,
            log,
            reports,
            shutdown,
            _lock: lock,
            served,
            publishers,
            builds,
        }))
    }

    /// The publisher to the directory that machines boot from: its live release is the live one.
    pub(crate) fn served(&self) -> &Publisher {
        &self.served
    }

    /// The directory that `/published` serves.
    pub(crate) fn served_directory(&self) -> &Path {
        &self.config.served.1
    }

    /// Where build jobs leave their images: a target that no machine sees.
    pub(crate) fn builds(&self) -> &Publisher {
        &self.builds
    }

    /// The publisher to one of the targets. A bucket is connected to once it is asked for, so that
    /// machines boot whether or not it can be reached.
    ///
    /// # Errors
    /// When a bucket cannot be reached.
    pub(crate) async fn publisher(
        &self,
        name: &SiteName,
    ) -> Result<Publisher, netboot_publish::Error> {
        let target = self.config.targets.iter().find(|(other, _)| other == name);
        match (target, self.publishers.get(name)) {
            (Some((_, target)), Some(cell)) => {
                cell.get_or_try_init(|| target.publisher()).await.cloned()
            }
            _ => Ok(self.served.clone()),
        }
    }

    /// The targets, which get the same releases, and those that cannot be connected to.
    ///
    /// # Errors
    /// When a bucket cannot be reached and releases are to go live everywhere or nowhere.
    pub(crate) async fn sites(
        &self,
    ) -> Result<(Sites, Vec<(SiteName, netboot_publish::Error)>), netboot_publish::Error> {
        let policy = self.config.policy;
        let (mut sites, mut unreachable) = (Sites::builder().policy(policy), Vec::new());
        for (name, _) in &self.config.targets {
            match (self.publisher(name).await, policy) {
                (Ok(publisher), _) => sites = sites.site(name.clone(), publisher),
                (Err(error), ActivationPolicy::EachByItself) => {
                    unreachable.push((name.clone(), error));
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok((sites.build()?, unreachable))
    }

    /// What every script of this service has: its machines, and where they report to. The kernel
    /// parameter `netboot.report` tells a booted system where to report that it came to `init`.
    ///
    /// # Errors
    /// When the service's URL cannot stand in a script.
    pub(crate) fn renderer(&self) -> Result<RendererBuilder, netboot_ipxe::Error> {
        renderer_of(&self.config, &self.url)
    }

    /// The URL of a route of this service, as machines know it.
    pub(crate) fn url_of(&self, path: &str) -> Url {
        below(&self.url, path)
    }
}

fn renderer_of(config: &Config, url: &Url) -> Result<RendererBuilder, netboot_ipxe::Error> {
    let report = below(url, "report");
    let parameter = KernelParameter::new(format!("netboot.report={report}"))?;
    let renderer = Renderer::builder().fleet(config.fleet.clone());
    Ok(renderer.report_url(&report)?.kernel_parameter(parameter))
}

/// A path below a URL that ends in `/`.
fn below(url: &Url, path: &str) -> Url {
    let mut below = url.clone();
    below.set_path(&format!("{}{path}", url.path()));
    below
}

/// Locks the state directory; the system lets go of it however the process ends.
fn lock(state: &Path) -> Result<File, StartError> {
    let path = state.join("lock");
    let file = File::create(&path).map_err(|source| StartError::io("create", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse { path: state.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StartError::io("lock", &path, source)),
    }
}
