//! A prover that boots staged images in QEMU, from any store.

use std::fmt;

use async_trait::async_trait;
use netboot_core::Context;
use netboot_publish::{FailedProof, Proof, Prover, StagedImage, Verdict};

use crate::boot_report::BootReport;
use crate::error::Error;
use crate::machine::builder::MachineBuilder;
use crate::platform::Platform;
use crate::store_server::StoreServer;

/// Makes the virtual machine for an image.
type MakeMachine = Box<dyn Fn(&StagedImage) -> MachineBuilder + Send + Sync>;

/// Boots staged images in QEMU, from any store, before they go live.
///
/// The machines reach only the staged files, so their scripts report to nobody. A machine has the
/// architecture of its image. The prover does not try images of architectures that
/// [`MachineBuilder::architecture`] refuses.
///
/// The prover boots the image's iPXE script. With [`by_firmware`](Self::by_firmware), the firmware
/// fetches the image's UKI instead, by HTTP and without iPXE. It does so in any case if the machine
/// has Secure Boot and no iPXE of the caller. Then an image without a UKI is an error, and a UKI
/// that the firmware's keys did not sign does not come up.
///
/// ```no_run
/// use netboot_core::{Context, Release};
/// use netboot_publish::Publisher;
/// use netboot_qemu::{Machine, QemuProver};
///
/// # async fn publish(publisher: Publisher, release: Release) -> Result<(), netboot_publish::Error> {
/// let prover = QemuProver::new(|image| {
///     Machine::builder().expect(format!("{} login:", image.profile()))
/// });
/// println!("{}", publisher.publish_proven(&release, &prover, &Context::new()).await?);
/// # Ok(())
/// # }
/// ```
pub struct QemuProver {
    machine: MakeMachine,
    by_firmware: bool,
}

impl QemuProver {
    /// Boots each image in the machine that `machine` makes for it. The machine also defines the
    /// texts that its console has to show. An image with a closure also has to fetch its whole
    /// store.
    pub fn new(machine: impl Fn(&StagedImage) -> MachineBuilder + Send + Sync + 'static) -> Self {
        Self { machine: Box::new(machine), by_firmware: false }
    }

    /// Lets the firmware fetch each image's UKI, or no longer. The machines need UEFI.
    ///
    /// A UKI names the place of its closure by itself, which is not the place where it is staged.
    /// So an image with a closure comes up when stage 1 starts, unless the machine expects a text.
    #[must_use]
    pub fn by_firmware(mut self, by_firmware: bool) -> Self {
        self.by_firmware = by_firmware;
        self
    }

    async fn boot(&self, image: &StagedImage, context: &Context) -> Result<BootReport, Error> {
        let architecture = image.image().boot.architecture();
        let mut machine = (self.machine)(image).architecture(architecture);
        if self.by_firmware || machine.starts_only_programs() {
            let uki = image.image().uki.as_ref();
            let profile = image.profile().clone();
            let uki = uki.ok_or(Error::UkiMissing { profile })?;
            let server = StoreServer::with_uki(image.store().clone(), image.profile(), uki).await?;
            let url = server.uki_url(image.profile());
            return machine.build()?.boot_by_http(&url, context).await;
        }
        if image.image().closure.is_some() {
            machine = machine.expect_store();
        }
        let machine = machine.build()?;
        // The server runs until the machine has ended.
        let server = StoreServer::start(image.store().clone()).await?;
        machine.boot(&server.url(&image.script()), context).await
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
        Platform::of(image.image().boot.architecture()).is_some()
    }

    async fn prove(
        &self,
        image: &StagedImage,
        context: &Context,
    ) -> Result<Verdict, netboot_publish::Error> {
        let report = match self.boot(image, context).await {
            Ok(report) => report,
            Err(Error::Cancelled) => return Err(netboot_publish::Error::Cancelled),
            Err(error) => return Err(netboot_publish::Error::prover(image, error)),
        };
        match report.ensure_success() {
            Ok(()) => {
                let seconds = report.duration.as_secs_f64();
                let summary = format!("{} after {seconds:.1} s", report.reached);
                Ok(Verdict::CameUp(Proof::new(summary, report.console)))
            }
            Err(Error::BootFailed { failure }) => {
                let mut problem =
                    format!("it {}; last stage: {}", failure.outcome, failure.reached);
                for refusal in &failure.refusals {
                    problem += "; ";
                    problem += &refusal.to_string();
                }
                if !failure.missing.is_empty() {
                    problem += "; not seen: ";
                    problem += &failure.missing.join(", ");
                }
                let failed = FailedProof::new(problem, &failure.last_lines.join("\n"));
                Ok(Verdict::Failed(failed.with_hint(failure.hint())))
            }
            Err(error) => Err(netboot_publish::Error::prover(image, error)),
        }
    }
}
