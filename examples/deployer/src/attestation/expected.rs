//! The PCRs that the releases of this service lead to.

use std::collections::BTreeMap;

use netboot_attestation::{ExpectedBoot, PcrValues};
use netboot_core::{Context, ProfileName, ReleaseId, Report, Sha256Digest};
use netboot_publish::Publisher;
use netboot_uki::{BootPath, MeasuredUki, PredictedPcrs};
use tokio::sync::Mutex;

/// A release and a profile of it.
pub(super) type Label = (ReleaseId, ProfileName);

/// The PCRs by the digest of a UKI. Each UKI is read once, and one at a time.
#[derive(Debug, Default)]
pub(super) struct Expected(Mutex<BTreeMap<Sha256Digest, Vec<PredictedPcrs>>>);

impl Expected {
    /// The systems of all releases at a target, the live one first. A release whose manifest or UKI
    /// cannot be used is left out.
    ///
    /// # Errors
    /// If the target cannot be read.
    pub(super) async fn of(&self, target: &Publisher) -> Result<Vec<ExpectedBoot<Label>>, Report> {
        let mut known = self.0.lock().await;
        let live = target.live().await.unwrap_or_default();
        let mut releases: Vec<ReleaseId> = target.releases().await?.into_iter().collect();
        releases.sort_by_key(|release| Some(*release) != live);
        let (mut expected, mut used) = (Vec::new(), BTreeMap::new());
        for release in releases {
            for image in target.images(release).await.unwrap_or_default() {
                let Some(uki) = image.uki() else { continue };
                let pcrs = match known.get(&uki.sha256()) {
                    Some(pcrs) => pcrs.clone(),
                    None => predict(uki.as_ref()).await.unwrap_or_default(),
                };
                let label = (release, image.profile().clone());
                expected.extend(pcrs.iter().map(|pcrs| system(label.clone(), pcrs)));
                used.insert(uki.sha256(), pcrs);
            }
        }
        *known = used;
        Ok(expected)
    }
}

/// The PCRs after a boot by the firmware, with and without Secure Boot.
async fn predict(uki: &dyn netboot_core::Artifact) -> Result<Vec<PredictedPcrs>, Report> {
    let uki = MeasuredUki::of_artifact(uki, &Context::new()).await?;
    let paths = [BootPath::secure_boot(), BootPath::without_secure_boot()];
    Ok(paths.iter().filter_map(|path| uki.predict(path).ok()).collect())
}

fn system(label: Label, pcrs: &PredictedPcrs) -> ExpectedBoot<Label> {
    let at_start = PcrValues::new(pcrs.pcr_4, pcrs.pcr_11, pcrs.pcr_12);
    let phases = PredictedPcrs::PHASES;
    (1..=phases.len()).fold(ExpectedBoot::new(label, at_start), |system, count| {
        system.later_phase(pcrs.pcr_11_after(&phases[..count]))
    })
}
