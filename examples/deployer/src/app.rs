//! The state that all requests share: the deployment, its jobs, and the reports of machines.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use netboot_cli::Progress;
use netboot_core::CancellationToken;

use crate::attestation::Attestations;
use crate::bearer::BearerToken;
use crate::claims::Claims;
use crate::config::Config;
use crate::deployment::Deployment;
use crate::guesses::Guesses;
use crate::health::Health;
use crate::hosts::Hosts;
use crate::identity::Identity;
use crate::jobs::Jobs;
use crate::notices::Notices;
use crate::per_peer::PerPeer;
use crate::reports::{MachineId, Reports};
use crate::start_error::StartError;
use crate::target_views::TargetViews;

/// The service, shared by all requests.
#[derive(Debug)]
pub(crate) struct App {
    /// The configuration, publishers and renderers.
    pub(crate) deployment: Arc<Deployment>,
    /// The token that mutating requests have to show.
    pub(crate) token: BearerToken,
    /// The jobs: waiting, running and finished.
    pub(crate) jobs: Jobs,
    /// The reports of machines.
    pub(crate) reports: Reports,
    /// The targets that this service serves, besides the directory that machines boot from.
    pub(crate) target_views: TargetViews,
    /// The problems that the service works around.
    pub(crate) health: Health,
    /// The places of machines, by the answers of this service.
    pub(crate) claims: Claims,
    /// The proofs of machines of what they booted.
    pub(crate) attestations: Attestations,
    /// The names and addresses of the service.
    pub(crate) hosts: Hosts,
    /// Lines in the log about clients.
    pub(crate) notices: Notices,
    /// The wrong tokens of each peer.
    pub(crate) guesses: Guesses,
    /// The places of clients that follow a job.
    pub(crate) event_streams: PerPeer,
    /// Cancelled when the service stops. It ends the streams that would never end by themselves.
    pub(crate) shutdown: CancellationToken,
    /// Held as long as this lives, so that no second service works in the state directory.
    _lock: Option<File>,
}

impl App {
    /// Opens what the state directory keeps, for a service that listens at `address`. No job
    /// starts before [`Jobs::resume`].
    ///
    /// # Errors
    /// [`StartError`].
    pub(crate) fn open(
        config: Config,
        token: BearerToken,
        address: SocketAddr,
        log: Progress,
    ) -> Result<Arc<Self>, StartError> {
        let state = config.state_directory.clone();
        let health = Health::new(log.clone());
        let lock = lock(&state, &health)?;
        let deployment = Arc::new(Deployment::new(config, address, log.clone(), &health)?);
        let config = &deployment.config;
        Ok(Arc::new(Self {
            jobs: Jobs::open(&state.join("jobs"), deployment.clone(), &health),
            reports: Reports::open(&state.join("reports"), health.clone()),
            claims: Claims::open(&state.join("claims"), &deployment.config, health.clone()),
            attestations: Attestations::new(config.machines.len()),
            target_views: TargetViews::new(&deployment.config.views, &health),
            health,
            hosts: Hosts::new(&config.hosts, &deployment.url, address),
            notices: Notices::new(log),
            guesses: Guesses::default(),
            event_streams: PerPeer::new(config.limits.event_streams),
            deployment,
            token,
            shutdown: CancellationToken::new(),
            _lock: lock,
        }))
    }

    /// The machine that a request comes from, as far as it tells: the one that the fleet finds by
    /// its keys; or else the one that asked last with this network card, since a machine that is
    /// found by its serial number does not repeat the number in every report; or else the one that
    /// it claims to be, if there is one of that name; or else an unknown machine. Operators see the
    /// report there, and nothing else depends on it.
    pub(crate) fn identify(&self, identity: &Identity, claimed: Option<&str>) -> Option<MachineId> {
        let config = &self.deployment.config;
        let found = match config.fleet.closest_assignments(&identity.keys())[..] {
            [assignment] => Some(assignment.name().to_string()),
            _ => None,
        };
        let seen = identity.macs.iter().find_map(|mac| self.claims.owner_of(*mac));
        let claimed = claimed.map(str::to_owned);
        let is_known = |name: &String| config.machines.contains_key(name);
        let known = [found, seen, claimed].into_iter().flatten().find(is_known);
        known.map(MachineId::Known).or_else(|| identity.own_name().map(MachineId::Unknown))
    }
}

/// Locks the state directory, without writing to it. The system releases the lock however the
/// process ends. A directory that cannot be made or locked does not keep the service from serving
/// machines. Jobs cannot be saved there, and are refused.
///
/// # Errors
/// [`StartError::InUse`].
fn lock(state: &Path, health: &Health) -> Result<Option<File>, StartError> {
    let opened = std::fs::create_dir_all(state).and_then(|()| File::open(state));
    let locked = opened.map_err(TryLockError::Error).and_then(|file| {
        file.try_lock()?;
        Ok(file)
    });
    match locked {
        Ok(file) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse { path: state.to_owned() }),
        Err(TryLockError::Error(error)) => {
            let problem = format!("cannot make or lock `{}`: {error}", state.display());
            health.degrade("state directory", &problem);
            Ok(None)
        }
    }
}
