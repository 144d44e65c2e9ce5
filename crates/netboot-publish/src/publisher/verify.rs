//! Comparing a target with what it should have.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::layout::{self, Location};
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
use crate::publisher::inventory::entry_point::read_boot_script;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::inventory::release_files::{ReleaseFiles, own_paths};
use crate::publisher::inventory::untrusted_manifest::{UntrustedManifest, manifest_path};
use crate::store::{Entry, ListScope, Store};
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
        let (store, mut report) = (self.store.as_ref(), VerifyReport::default());
        let releases: BTreeSet<ReleaseId> = match scope {
            VerifyScope::Release(release) => BTreeSet::from([release]),
            VerifyScope::Live => {
                self.verify_pointer(&mut report).await?.live().into_iter().collect()
            }
            VerifyScope::Everything => {
                let live = self.verify_pointer(&mut report).await?.live();
                live.into_iter().chain(self.releases().await?).collect()
            }
        };
        let (mut objects, mut blobs) = (BTreeMap::new(), BTreeMap::new());
        for release in releases {
            report.releases.insert(release);
            match UntrustedManifest::find(store, &release).await {
                Ok(Some(stored)) => {
                    if let Some(problem) = self.signing.problem(store, &stored).await? {
                        report.findings.push(Finding::Signature { release, problem });
                    }
                    self.verify_cache(stored.unchecked(), depth, &mut report).await?;
                    objects.extend(required(stored.unchecked()));
                    blobs.extend(stored.unchecked().blobs());
                }
                Ok(None) if matches!(scope, VerifyScope::Release(_)) => {
                    return Err(Error::NotStaged { release });
                }
                Ok(None) => {
                    let path = manifest_path(&release);
                    report.findings.push(Finding::Missing { path });
                }
                Err(Error::MalformedManifest { source, .. }) => {
                    let problem = source.to_string();
                    report.findings.push(Finding::MalformedManifest { release, problem });
                }
                Err(error) => return Err(error),
            }
        }
        report.objects += objects.len();
        let (findings, sound) = check_sizes(store, objects).await?;
        report.findings.extend(findings);
        let to_read = depth.to_read(sound, &blobs);
        let (findings, hashed_bytes) = check_contents(&self.store, to_read, context).await?;
        report.findings.extend(findings);
        report.hashed_bytes = hashed_bytes;
        if scope == VerifyScope::Everything {
            find_unknown(store, &mut report).await?;
        }
        Ok(report)
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

/// Reports files below `releases/` and `blobs/` that belong to no release, and unfinished releases.
async fn find_unknown(store: &dyn Store, report: &mut VerifyReport) -> Result<(), Error> {
    let mut explained: BTreeMap<ReleaseId, BTreeSet<ReleasePath>> = BTreeMap::new();
    // Without a readable manifest, nobody can tell which files belong to these releases.
    let mut malformed = BTreeSet::new();
    for (release, files) in ReleaseFiles::list(store).await? {
        let explained = explained.entry(release).or_default();
        for record in files.records() {
            if record == layout::incomplete_manifest() {
                report.findings.push(Finding::Incomplete { release });
            }
            match UntrustedManifest::find_at(store, &release, &record).await {
                Ok(Some(stored)) => explained.extend(own_paths(stored.unchecked())),
                Ok(None) => {}
                Err(Error::MalformedManifest { .. }) => {
                    malformed.insert(release);
                }
                Err(error) => return Err(error),
            }
            explained.insert(record);
        }
    }
    for directory in [layout::releases(), layout::blobs()] {
        for listed in store.list(&ListScope::Below(directory)).await? {
            let is_object = matches!(listed.entry, Entry::Object { .. });
            let known = match Location::parse(&listed.path) {
                Some(Location::InRelease { release, path }) => {
                    malformed.contains(&release)
                        || explained.get(&release).is_some_and(|paths| paths.contains(&path))
                }
                Some(Location::Blob(_)) => true,
                _ => false,
            };
            if !(known && is_object) {
                report.findings.push(Finding::Unknown { path: listed.path });
            }
        }
    }
    Ok(())
}
