//! The steps of jobs. Each step can be repeated: it then completes what it did not finish before.

use std::collections::BTreeSet;
use std::sync::Arc;

use netboot_core::{
    Builder, Context, DocumentKind, Event, Image, Profile, ProfileName, ReleaseId, Report,
    SiteName, counted,
};
use netboot_ipxe::Renderer;
use netboot_nix::NixBuilder;
use netboot_publish::{Sites, SitesReport};
use netboot_sbom::with_documents;
use tokio::sync::mpsc::UnboundedSender;

use super::entry::Entry;
use super::error::JobError;
use super::event_log::JobEvent;
use super::model::{Failure, JobState, RollbackTarget};
use super::prover::prover;
use super::table::Table;
use super::turns::{Place, Turn};
use crate::causes::with_causes;
use crate::deployment::Deployment;

/// The steps of one job.
pub(super) struct Steps<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) table: &'a Table,
    pub(super) entry: &'a Entry,
    pub(super) context: &'a Context,
    pub(super) sender: &'a UnboundedSender<JobEvent>,
}

impl Steps<'_> {
    /// Finds a machine that the new release could not boot, before a build that may take an hour.
    pub(super) async fn check_machines(&self, profiles: &[ProfileName]) -> Result<(), JobError> {
        let (config, served) = (&self.deployment.config, self.deployment.served());
        let mut there: BTreeSet<ProfileName> = profiles.iter().cloned().collect();
        if profiles.is_empty() {
            there.extend(config.profiles.keys().cloned());
        } else if let Some(live) = served.live().await? {
            let images = served.images(&live).await?;
            there.extend(images.iter().map(|image| image.profile().clone()));
        }
        let stranded = config.machines.values().find(|machine| !there.contains(&machine.profile));
        let Some(machine) = stranded else { return Ok(()) };
        let (name, profile) = (&machine.name, &machine.profile);
        let error =
            format!("{name} boots {profile}, which is not live and which this job does not build");
        Err(JobError::new(
            error,
            "build this profile too; a job without profiles builds all of them",
        ))
    }

    /// Waits for the job's turn, if it has a place in a queue.
    pub(super) async fn turn(&self, place: Option<Place>) -> Result<Option<Turn>, JobError> {
        let Some(place) = place else { return Ok(None) };
        tokio::select! {
            biased;
            () = self.context.cancellation().cancelled() => Err(JobError::Cancelled),
            turn = place => Ok(Some(turn)),
        }
    }

    pub(super) async fn begin(&self) -> Result<(), JobError> {
        if self.entry.begin().await? {
            // The receiver lives as long as the job.
            let _ = self.sender.send(JobEvent::State { state: JobState::Running });
        }
        Ok(())
    }

    /// Builds images, and stores them as a release that no machine sees. They keep their provenance
    /// and logs, they are stored whole or not at all, and equal files are stored once.
    pub(super) async fn build(&self, names: &[ProfileName]) -> Result<String, JobError> {
        let config = &self.deployment.config;
        let wanted = |name: &ProfileName| names.is_empty() || names.contains(name);
        let profiles: Vec<Arc<dyn Profile>> = config
            .profiles
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(_, profile)| profile.clone())
            .collect();
        let configurations = config.configurations.clone();
        let builder = NixBuilder::options(config.flake.as_str())
            .configuration(move |profile| {
                configurations.get(profile.name()).cloned().unwrap_or_default()
            })
            .state_directory(config.state_directory.join("nix"))
            .licences(config.documents.contains(&DocumentKind::Sbom))
            .overrides(config.overrides.clone());
        let builder = match &config.closure_boot {
            Some(closure_boot) => builder.closure_boot(closure_boot.build.clone()),
            None => builder,
        };
        let builder = builder.build()?;
        let results = builder.build_all(&profiles, self.context).await;
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        let mut failed = |name: &ProfileName, error: &(dyn std::error::Error + 'static), hint| {
            failures.push(Failure::of_profile(name, error, hint));
        };
        for (profile, result) in profiles.iter().zip(results) {
            match result {
                Ok(image) => match with_documents(image, &config.documents) {
                    Ok(image) => images.push(image),
                    Err(error) => failed(profile.name(), &error, error.hint()),
                },
                Err(error) => failed(profile.name(), &error, error.hint()),
            }
        }
        if !failures.is_empty() {
            return Err(JobError::Failed(failures));
        }
        let renderer = self.deployment.with_closure_sources(Renderer::builder())?.build()?;
        let release = renderer.render_release(images)?;
        self.deployment.builds().stage(&release, self.context).await?;
        self.entry.update(|job| job.built = Some(*release.id())).await?;
        Ok(format!("built {}", counted(profiles.len(), "image")))
    }

    pub(super) async fn built(&self) -> Result<ReleaseId, JobError> {
        let built = self.entry.job().await.built;
        built.ok_or_else(|| JobError::new("the job has no built images", "build again"))
    }

    /// Stages a release of the built images and of the live release's other profiles.
    pub(super) async fn stage(&self, built: &ReleaseId) -> Result<SitesReport, JobError> {
        let (served, profiles) = (self.deployment.served(), &self.deployment.config.profiles);
        let mut images = self.deployment.builds().images_with_logs(built, self.context).await?;
        let names: BTreeSet<ProfileName> =
            images.iter().map(|image| image.profile().clone()).collect();
        if let Some(live) = served.live().await? {
            let is_kept = |image: &Image| {
                !names.contains(image.profile()) && profiles.contains_key(image.profile())
            };
            let live = served.images_with_logs(&live, self.context).await?;
            images.extend(live.into_iter().filter(is_kept));
        }
        images.sort_by(|one, other| one.profile().cmp(other.profile()));
        let release = self.deployment.renderer()?.build()?.render_release(images)?;
        let (sites, unreachable) = self.sites().await?;
        self.warn_of(&unreachable);
        let report = sites.stage(&release, self.context).await;
        self.entry.update(|job| job.result = Some(*release.id())).await?;
        Ok(report)
    }

    /// Connects to the targets. This takes minutes if a bucket does not answer.
    pub(super) async fn sites(&self) -> Result<(Sites, Vec<(SiteName, Report)>), JobError> {
        tokio::select! {
            () = self.context.cancellation().cancelled() => Err(JobError::Cancelled),
            sites = self.deployment.sites() => Ok(sites?),
        }
    }

    /// Warns of targets that get nothing, if the policy allows that.
    fn warn_of(&self, unreachable: &[(SiteName, Report)]) {
        for (site, error) in unreachable {
            let hint = error.hint().map(str::to_owned);
            let message = format!("cannot reach {site}: {}", with_causes(error));
            self.context.emit(Event::Warning { profile: None, message, hint });
        }
    }

    pub(super) async fn prove(
        &self,
        release: &ReleaseId,
        profile: Option<ProfileName>,
    ) -> Result<String, JobError> {
        let prover = prover(&self.deployment.config.proof, profile);
        let report = self.deployment.served().prove(release, &prover, self.context).await?;
        self.entry.update(|job| job.result = Some(*release)).await?;
        Ok(report.to_string())
    }

    /// The release to roll back to. The job's record then names the release for `previous`, so
    /// that repeating the job after a crash does not go back one more.
    pub(super) async fn rollback_target(&self, to: RollbackTarget) -> Result<ReleaseId, JobError> {
        if let Some(release) = self.entry.job().await.result {
            return Ok(release);
        }
        let release = match to {
            RollbackTarget::Release(release) => release,
            RollbackTarget::Previous => {
                self.deployment.served().previous().await?.ok_or_else(|| {
                    let hint = "activate one of the releases that GET /api/releases lists";
                    JobError::new("no release was live before the live one", hint)
                })?
            }
        };
        self.entry.update(|job| job.result = Some(release)).await?;
        Ok(release)
    }
}
