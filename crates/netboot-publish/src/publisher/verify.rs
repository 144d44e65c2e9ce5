//! Comparing a target with what it should have.

mod all;

use netboot_core::{Context, Manifest, Phase, ReleaseId, ReleasePath};

use crate::error::Error;
use crate::finding::{Finding, NOT_LIVE};
use crate::pointer::PointerContent;
use crate::pointer::problem::PointerProblem;
use crate::publisher::Publisher;
use crate::publisher::checks::contents::check_contents;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::objects::required;
use crate::publisher::checks::whole::check_sizes;
use crate::publisher::inventory::cache_record::CacheRecord;
use crate::publisher::inventory::entry_point::read_boot_script;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::inventory::untrusted_manifest::{UntrustedManifest, manifest_path};
use crate::verify_report::VerifyReport;

/// The part of a target to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyScope {
    /// The pointer, the entry points and the live release.
    Live,
    /// One release, live or not.
    Release(ReleaseId),
    /// The pointer, the entry points, every release at the target, and files that belong to no
    /// release.
    Everything,
}

impl Publisher {
    /// Compares the target with what it should have. Changes nothing. Damage is a finding in the
    /// report, not an error.
    ///
    /// # Errors
    /// [`Error::NotStaged`] if the target does not have the release of the scope;
    /// [`Error::Cancelled`]; if the target cannot be reached or read.
    pub async fn verify(
        &self,
        scope: VerifyScope,
        depth: VerifyDepth,
        context: &Context,
    ) -> Result<VerifyReport, Error> {
        let _phase = context.phase(Phase::Verifying, None);
        let mut report = VerifyReport::default();
        match scope {
            VerifyScope::Release(release) => {
                if !self.verify_release(release, depth, &mut report, context).await? {
                    return Err(Error::NotStaged { release });
                }
            }
            VerifyScope::Live => {
                if let Some(live) = self.verify_pointer(&mut report).await?.live()
                    && !self.verify_release(live, depth, &mut report, context).await?
                {
                    report.findings.push(Finding::Missing { path: manifest_path(&live) });
                }
            }
            VerifyScope::Everything => {
                let live = self.verify_pointer(&mut report).await?.live();
                self.verify_all(live, depth, &mut report, context).await?;
            }
        }
        Ok(report)
    }

    /// Verifies one release. Returns false if it has no manifest.
    async fn verify_release(
        &self,
        release: ReleaseId,
        depth: VerifyDepth,
        report: &mut VerifyReport,
        context: &Context,
    ) -> Result<bool, Error> {
        let store = self.store.as_ref();
        report.releases.insert(release);
        let stored = match UntrustedManifest::find(store, &release).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(false),
            Err(Error::MalformedManifest { source, .. }) => {
                let problem = source.to_string();
                report.findings.push(Finding::MalformedManifest { release, problem });
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let manifest = stored.unchecked();
        if let Some(problem) = self.signing.problem(store, &stored).await? {
            report.findings.push(Finding::Signature { release, problem });
        }
        let record = CacheRecord::find(store, &release).await?;
        self.verify_cache(manifest, record, &mut None, depth, report).await?;
        let objects = required(manifest);
        report.objects += objects.len();
        let (findings, sound) = check_sizes(store, objects).await?;
        report.findings.extend(findings);
        let to_read = depth.to_read(sound, manifest.blobs());
        let (findings, hashed_bytes) = check_contents(&self.store, to_read, context).await?;
        report.findings.extend(findings);
        report.hashed_bytes += hashed_bytes;
        Ok(true)
    }

    /// Verifies the pointer and the files that the live release needs in the root of the target.
    async fn verify_pointer(&self, report: &mut VerifyReport) -> Result<PointerState, Error> {
        let state = self.read_pointer().await?;
        let path = state.path.clone();
        match &state.content {
            // Somebody deleted a pointer that was there.
            None if state.known.is_some() || self.is_led_to(&path).await? => {
                report.findings.push(Finding::Missing { path });
            }
            None => {}
            Some(PointerContent::Pointer(_)) => {
                let problem = self.problem_of_live(&state).await?;
                // A wrong script is a finding below.
                let problem = problem.filter(|problem| *problem != PointerProblem::OtherScript);
                let untrusted = |problem| Finding::UntrustedPointer { path, problem };
                report.findings.extend(problem.map(untrusted));
            }
            Some(PointerContent::Foreign) => report.findings.push(Finding::Foreign { path }),
            Some(PointerContent::Malformed { problem, .. }) => {
                let problem = problem.clone();
                report.findings.push(Finding::BrokenPointer { path, problem });
            }
            Some(PointerContent::Untrusted { problem, .. }) => {
                let problem = problem.clone();
                report.findings.push(Finding::UntrustedPointer { path, problem });
            }
        }
        let (Some(pointer), Some(live)) = (state.pointer(), state.live()) else {
            return Ok(state);
        };
        // The check of releases reports a live release without a manifest.
        let Ok(Some(stored)) = UntrustedManifest::find(self.store.as_ref(), &live).await else {
            return Ok(state);
        };
        let manifest = stored.unchecked();
        if pointer.script != manifest.pointer_text() {
            let problem = NOT_LIVE.to_owned();
            report.findings.push(Finding::BrokenPointer { path: state.path.clone(), problem });
        }
        self.verify_places(manifest, &state, report).await?;
        Ok(state)
    }

    /// Returns true if the entry point of all machines leads to this pointer.
    async fn is_led_to(&self, pointer: &ReleasePath) -> Result<bool, Error> {
        let script = read_boot_script(self.store.as_ref()).await?;
        Ok(script.is_some_and(|script| script.contains(pointer.as_str())))
    }

    async fn verify_places(
        &self,
        manifest: &Manifest,
        pointer: &PointerState,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let places = self.places.look(self.store.as_ref(), manifest, pointer).await?;
        let links = places.links.into_iter().map(|(path, link)| (path, link.state));
        let places = places.entry_points.into_iter().chain(links);
        report.findings.extend(places.filter_map(|(path, state)| state.finding(path)));
        Ok(())
    }
}
