//! The deployed things and their places: the configuration, and the publishers and renderers made
//! of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use netboot_cli::Progress;
use netboot_core::{Image, KernelParameter, Report, SiteName};
use netboot_ipxe::{Assignment, Renderer, RendererBuilder};
use netboot_publish::{ActivationPolicy, LocalStore, PointerMemoryFile, Publisher, Sites};
use netboot_qemu::FilesBeneath;
use tokio::sync::OnceCell;
use url::Url;

use crate::causes::with_causes;
use crate::claims::Nonce;
use crate::config::{Config, Memory, Signing};
use crate::health::Health;
use crate::start_error::StartError;

/// The time that a read of the directory that machines boot from may take.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The configuration, and what jobs and requests work with because of it.
#[derive(Debug)]
pub(crate) struct Deployment {
    /// The configuration.
    pub(crate) config: Config,
    /// The URL under which machines reach the service; it ends in `/`.
    pub(crate) url: Url,
    /// The place where an operator reads what happens: standard error.
    pub(crate) log: Progress,
    /// Renders the scripts that this service answers machines with. Their payloads are below
    /// `/published`, wherever the script itself comes from.
    ///
    /// [`render_machine`](Self::render_machine) renders those with an image.
    pub(crate) machine_scripts: Renderer,
    served: Publisher,
    served_files: FilesBeneath,
    publishers: BTreeMap<SiteName, OnceCell<Publisher>>,
    builds: Publisher,
    /// The pointers that this service has seen.
    memory: Option<Memory>,
}

impl Deployment {
    /// Prepares the publishers and renderers of a service that listens at `address`. Connects to
    /// nothing and changes nothing.
    ///
    /// # Errors
    /// [`StartError::Url`], and [`StartError::Scripts`] if no script can be rendered.
    pub(crate) fn new(
        config: Config,
        address: SocketAddr,
        log: Progress,
        health: &Health,
    ) -> Result<Self, StartError> {
        let url = match &config.url {
            Some(url) => url.clone(),
            None => Url::parse(&format!("http://{address}/"))
                .map_err(|source| StartError::Url { address, source })?,
        };
        // A configuration that no script can be rendered from is found here, not by a machine.
        let machine_scripts =
            renderer_of(&config, &url)?.payload_url(&below(&url, "published"))?.build()?;
        // So is a report parameter that no kernel takes.
        report_parameter(&below(&url, "report"))?;
        if config.signing.as_ref().is_some_and(Signing::replaces_untrusted) {
            let problem = "replace-untrusted is set, so that an attacker's pointer is replaced \
                           without a question: remove it once the pointers are signed";
            health.degrade("signing", problem);
        }
        let memory = config.signing.as_ref().and_then(|_| memory(&config, health));
        let served = LocalStore::new(&config.served.1).with_read_timeout(READ_TIMEOUT);
        let served = signed(&config, memory.as_ref(), Publisher::new(served));
        let served_files = {
            let log = log.clone();
            let tell = move |refusal: &netboot_core::Error| {
                log.line(&format!("warning: not served: {refusal}"));
            };
            let files = FilesBeneath::new(&config.served.1).with_read_timeout(READ_TIMEOUT);
            files.on_refusal(tell)
        };
        let builds = Publisher::new(LocalStore::new(config.state_directory.join("builds")));
        let publishers =
            config.targets.iter().map(|(name, _)| (name.clone(), OnceCell::new())).collect();
        Ok(Self {
            config,
            url,
            log,
            machine_scripts,
            served,
            served_files,
            publishers,
            builds,
            memory,
        })
    }

    /// The publisher to the directory that machines boot from. Its live release is the one that
    /// this service calls live.
    pub(crate) fn served(&self) -> &Publisher {
        &self.served
    }

    /// The files that `/published` serves.
    pub(crate) fn served_files(&self) -> &FilesBeneath {
        &self.served_files
    }

    /// The target in which build jobs store their images. No machine sees it.
    pub(crate) fn builds(&self) -> &Publisher {
        &self.builds
    }

    /// The publisher to one of the targets. It connects to a bucket at the first use, so that
    /// machines boot even if the bucket cannot be reached.
    ///
    /// # Errors
    /// If a bucket cannot be reached.
    pub(crate) async fn publisher(&self, name: &SiteName) -> Result<Publisher, Report> {
        let target = self.config.targets.iter().find(|(other, _)| other == name);
        match (target, self.publishers.get(name)) {
            (Some((_, target)), Some(cell)) => {
                let publisher = async {
                    let servers = self.config.state_directory.join("s3-servers.json");
                    let target = target.clone().with_server_memory(servers);
                    let publisher = Box::pin(target.publisher()).await?;
                    Ok(signed(&self.config, self.memory.as_ref(), publisher))
                };
                cell.get_or_try_init(|| publisher).await.cloned()
            }
            _ => Ok(self.served.clone()),
        }
    }

    /// The targets, which all get the same releases, and the targets that cannot be reached.
    ///
    /// # Errors
    /// If a bucket cannot be reached and the policy is to activate releases everywhere or nowhere.
    pub(crate) async fn sites(&self) -> Result<(Sites, Vec<(SiteName, Report)>), Report> {
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

    /// The renderer of all scripts of this service, with its machines and the URL for their
    /// reports. The kernel parameter `netboot.report` tells a booted system where to report that it
    /// reached `init`.
    ///
    /// # Errors
    /// If the service's URL cannot be in a script.
    pub(crate) fn renderer(&self) -> Result<RendererBuilder, netboot_ipxe::Error> {
        let parameter = report_parameter(&self.url_of("report"))?;
        Ok(renderer_of(&self.config, &self.url)?.kernel_parameter(parameter))
    }

    /// Adds this service and its mirrors as the places of closures.
    ///
    /// # Errors
    /// If a URL cannot be in a script.
    pub(crate) fn with_closure_sources(
        &self,
        renderer: RendererBuilder,
    ) -> Result<RendererBuilder, netboot_ipxe::Error> {
        with_closure_sources(renderer, &self.config, &self.url)
    }

    /// Renders the script of one machine. Its reports repeat the nonce, first those of the script,
    /// then that of the booted system.
    ///
    /// # Errors
    /// If the image and the parameters make no script.
    pub(crate) fn render_machine(
        &self,
        image: &Image,
        assignment: Assignment,
        nonce: Option<Nonce>,
    ) -> Result<String, netboot_ipxe::Error> {
        let mut report = self.url_of("report");
        if let Some(nonce) = nonce {
            report.query_pairs_mut().append_pair("nonce", &nonce.to_string());
        }
        // The machine's own parameters are before it, so none of them replaces it.
        let assignment = assignment
            .with_report_url(&report)?
            .with_kernel_parameter(report_parameter(&report)?)?;
        self.machine_scripts.render_machine(image, &assignment, 0)
    }

    /// The URL of a route of this service, as machines reach it.
    pub(crate) fn url_of(&self, path: &str) -> Url {
        below(&self.url, path)
    }
}

/// Gives a publisher the keys of the configuration, if it has keys.
fn signed(config: &Config, memory: Option<&Memory>, publisher: Publisher) -> Publisher {
    match &config.signing {
        Some(signing) => signing.apply(publisher, memory),
        None => publisher,
    }
}

/// Opens the memory of pointers. Without it, publishers remember until the service ends.
fn memory(config: &Config, health: &Health) -> Option<Memory> {
    const PART: &str = "memory of pointers";
    match PointerMemoryFile::open(config.state_directory.join("pointers.json")) {
        Ok(memory) => {
            if let Some(damaged) = memory.set_aside() {
                let problem = format!(
                    "it was damaged, is now at `{}`, and begins anew: an older pointer would not \
                     be noticed",
                    damaged.display()
                );
                health.degrade(PART, &problem);
            }
            Some(Arc::new(memory))
        }
        Err(error) => {
            health.degrade(PART, &with_causes(&error));
            None
        }
    }
}

fn renderer_of(config: &Config, url: &Url) -> Result<RendererBuilder, netboot_ipxe::Error> {
    let renderer = Renderer::builder().fleet(config.fleet.clone());
    with_closure_sources(renderer, config, url)?.report_url(&below(url, "report"))
}

/// Lets machines fetch closures from this service and from the mirrors.
fn with_closure_sources(
    renderer: RendererBuilder,
    config: &Config,
    url: &Url,
) -> Result<RendererBuilder, netboot_ipxe::Error> {
    // Machines fetch closures over plain HTTP. Any other URL is still good for other images.
    let renderer = renderer.clone().closure_source(&below(url, "published")).unwrap_or(renderer);
    let mut mirrors = config.closure_boot.iter().flat_map(|boot| &boot.mirrors);
    mirrors.try_fold(renderer, RendererBuilder::closure_source)
}

fn report_parameter(report: &Url) -> Result<KernelParameter, netboot_ipxe::Error> {
    Ok(KernelParameter::new(format!("netboot.report={report}"))?)
}

/// A path below a URL that ends in `/`.
fn below(url: &Url, path: &str) -> Url {
    let mut below = url.clone();
    below.set_path(&format!("{}{path}", url.path()));
    below
}
