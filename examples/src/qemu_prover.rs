//! A prover that boots staged images in QEMU, from any store.

use std::fmt;

use async_trait::async_trait;
use netboot_core::{Architecture, BackendError, Context};
use netboot_publish::{Error, FailedProof, Proof, Prover, StagedImage, Verdict};
use netboot_qemu::Machine;

use crate::store_server::StoreServer;

/// Makes the virtual machine for an image.
type MakeMachine = Box<dyn Fn(&StagedImage) -> Result<Machine, netboot_qemu::Error> + Send + Sync>;

/// Boots staged images in QEMU, from any store. The machines reach only the staged files, so their
/// scripts report to nobody.
///
/// It does not try images of other architectures than `x86_64`.
pub struct QemuProver {
    machine: MakeMachine,
}

impl QemuProver {
    /// Boots each image in the machine that `machine` makes for it. The machine also defines the
    /// texts that its console has to show.
    pub fn new(
        machine: impl Fn(&StagedImage) -> Result<Machine, netboot_qemu::Error> + Send + Sync + 'static,
    ) -> Self {
        Self { machine: Box::new(machine) }
    }
}

impl fmt::Debug for QemuProver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QemuProver").finish_non_exhaustive()
    }
}

#[async_trait]
impl Prover for QemuProver {
    fn tries(&self, image: &StagedImage) -> bool {
        image.image().boot.architecture() == Architecture::X86_64
    }

    async fn prove(&self, image: &StagedImage, context: &Context) -> Result<Verdict, Error> {
        let untried = |error: ProverError| match error {
            ProverError::Qemu(netboot_qemu::Error::Cancelled) => Error::Cancelled,
            error => Error::prover(image, error),
        };
        let machine = (self.machine)(image).map_err(|error| untried(error.into()))?;
        // The server runs until the machine has ended.
        let server = StoreServer::start(image.store().clone()).await;
        let server = server.map_err(|error| untried(error.into()))?;
        let url = server.url(&image.script()).map_err(|error| untried(error.into()))?;
        let report = machine.boot(&url, context).await;
        let report = report.map_err(|error| untried(error.into()))?;
        match report.ensure_success() {
            Ok(()) => {
                let seconds = report.duration.as_secs_f64();
                let summary = format!("{} after {seconds:.1} s", report.reached);
                Ok(Verdict::CameUp(Proof::new(summary, report.console)))
            }
            Err(netboot_qemu::Error::BootFailed { failure }) => {
                let mut problem =
                    format!("it {}; last stage: {}", failure.outcome, failure.reached);
                if !failure.missing.is_empty() {
                    problem += "; not seen: ";
                    problem += &failure.missing.join(", ");
                }
                let failed = FailedProof::new(problem, &failure.last_lines.join("\n"));
                Ok(Verdict::Failed(failed.with_hint(failure.hint())))
            }
            Err(error) => Err(untried(error.into())),
        }
    }
}

/// The reason why an image could not be booted.
#[derive(Debug, thiserror::Error)]
enum ProverError {
    #[error(transparent)]
    Qemu(#[from] netboot_qemu::Error),
    #[error("cannot serve the staged image")]
    Serve(#[from] std::io::Error),
    #[error("the staged image has no URL")]
    Url(#[from] url::ParseError),
}

impl BackendError for ProverError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Qemu(error) => error.hint(),
            Self::Serve(_) => Some("check that 127.0.0.1 has a free port".to_owned()),
            Self::Url(_) => None,
        }
    }
}
