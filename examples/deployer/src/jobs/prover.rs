//! A prover that boots a staged release in QEMU before machines get it.

use netboot_cli::configuration::ProofSection;
use netboot_core::{Context, ProfileName};
use netboot_publish::{Error, Prover, StagedImage, Verdict, async_trait};
use netboot_qemu::QemuProver;

/// A prover that boots images as the configuration says: all images, or that of one profile.
pub(crate) fn prover(proof: &ProofSection, profile: Option<ProfileName>) -> impl Prover {
    OneProfile { qemu: proof.prover(), profile }
}

#[derive(Debug)]
struct OneProfile {
    qemu: QemuProver,
    profile: Option<ProfileName>,
}

#[async_trait]
impl Prover for OneProfile {
    fn tries(&self, image: &StagedImage) -> bool {
        let is_asked = self.profile.as_ref().is_none_or(|profile| profile == image.profile());
        is_asked && self.qemu.tries(image)
    }

    async fn prove(&self, image: &StagedImage, context: &Context) -> Result<Verdict, Error> {
        self.qemu.prove(image, context).await
    }
}
