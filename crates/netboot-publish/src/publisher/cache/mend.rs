//! Repairing the binary cache.

use netboot_core::{Context, Manifest};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::cache::fill::uploads;
use crate::publisher::cache::survey::CacheSurvey;
use crate::publisher::checks::place_state::PlaceState;
use crate::publisher::repair::report::RepairReport;

impl Publisher {
    /// Writes the descriptions of a whole release again that are missing, damaged or of another
    /// key. Reads every description of the release.
    pub(crate) async fn mend_cache(
        &self,
        manifest: &Manifest,
        report: &mut RepairReport,
        context: &Context,
    ) -> Result<(), Error> {
        let Some(cache) = &self.binary_cache else { return Ok(()) };
        let wanted = self.wanted_at_target(cache, manifest).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let store = self.store.as_ref();
        let lock = store.lock(context).await?;
        let mend = async {
            let survey = CacheSurvey::of(store, cache, &wanted, &[], true).await?;
            let survey = survey.accept_moved(store).await?;
            for (path, state) in survey.states() {
                let Some(finding) = state.finding(path) else { continue };
                if state == PlaceState::Foreign {
                    report.remaining.push(finding.clone());
                }
                report.found.push(finding);
            }
            self.write_record(cache, manifest.release(), &wanted, context).await?;
            report.mend(store, uploads(cache, &wanted, &survey).await?, context).await
        };
        lock.during(mend).await
    }
}
