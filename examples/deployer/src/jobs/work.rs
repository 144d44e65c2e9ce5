//! The work of each kind of job, step by step.

use netboot_core::ProfileName;
use netboot_publish::{ActivationKind, ActivationPolicy};

use super::error::JobError;
use super::model::JobRequest;
use super::steps::Steps;
use super::turns::Place;

impl Steps<'_> {
    /// Does what `request` asks for, and returns a summary of what was done. The job waits for its
    /// turn at `place`, if it has one.
    pub(super) async fn work(
        &self,
        request: JobRequest,
        place: Option<Place>,
    ) -> Result<String, JobError> {
        match request {
            JobRequest::Build { profiles } => {
                let _turn = self.turn(place).await?;
                self.begin().await?;
                self.build(&profiles).await
            }
            JobRequest::Stage { build } => {
                let _turn = self.turn(place).await?;
                self.begin().await?;
                let built = self.table.get(build).await.and_then(|job| job.built);
                let built = built.ok_or_else(|| {
                    JobError::new(format!("job {build} has been forgotten"), "build again")
                })?;
                let report = self.stage(&built).await?.ensure_staged_everywhere()?;
                Ok(format!("release {} is staged everywhere", report.release.short()))
            }
            JobRequest::Prove { release, profile } => {
                self.begin().await?;
                self.prove(&release, profile).await
            }
            JobRequest::Activate { release } => {
                let _turn = self.turn(place).await?;
                self.begin().await?;
                self.go_live(&release, ActivationKind::Activated).await
            }
            JobRequest::Rollback { to } => {
                let _turn = self.turn(place).await?;
                self.begin().await?;
                let release = self.rollback_target(to).await?;
                self.go_live(&release, ActivationKind::RolledBack).await
            }
            JobRequest::Deploy { profiles, prove } => self.deploy(&profiles, prove, place).await,
        }
    }

    async fn deploy(
        &self,
        profiles: &[ProfileName],
        prove: bool,
        mut place: Option<Place>,
    ) -> Result<String, JobError> {
        if self.entry.job().await.built.is_none() {
            self.check_machines(profiles).await?;
            let _turn = self.turn(place).await?;
            self.begin().await?;
            self.build(profiles).await?;
            place = Some(self.table.publishing.join().await);
        }
        let built = self.built().await?;
        let _turn = self.turn(place).await?;
        self.begin().await?;
        let job = self.entry.job().await;
        let release = match job.result {
            // A machine may have seen it, so the job has to complete.
            Some(release) if job.going_live => release,
            _ => {
                let report = self.stage(&built).await?;
                let release = report.release;
                if self.deployment.config.policy == ActivationPolicy::AllOrNone {
                    report.ensure_staged_everywhere()?;
                }
                if prove {
                    self.prove(&release, None).await?;
                }
                release
            }
        };
        self.go_live(&release, ActivationKind::Activated).await
    }
}
