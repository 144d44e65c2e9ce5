//! Comparing what lies at a target with what should.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netboot_core::{Context, Manifest, Phase, ReleaseId, ReleasePath, layout};
use serde::Serialize;

use super::Publisher;
use super::content::{check_contents, to_read};
use super::prune::blob_digest;
use super::target::{PointerState, in_release, incomplete_manifest};
use super::whole::required;
use crate::pointer::PointerContent;
use crate::store::{Entry, ListScope};
use crate::{Error, Finding};

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VerifyDepth {
    /// At sizes only: costs a listing.
    Listing,
    /// At sizes, and at every byte of what is small: scripts, logs, the entry points' texts.
    Scripts,
    /// At every byte, also of kernels and initrds: costs reading all.
    Content,
}

/// What to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyScope {
    /// The pointer, the entry points and the live release.
    Live,
    /// One release, live or not.
    Release(ReleaseId),
    /// The pointer, the entry points, every release at the target, and files there that nothing
    /// explains.
    Everything,
}

/// What [`Publisher::verify`] found. `Display` tells it, a line for each finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The releases that were looked at.
    pub releases: BTreeSet<ReleaseId>,
    /// How many different objects they have.
    pub objects: usize,
    /// How many bytes were read and hashed.
    pub hashed_bytes: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (releases, objects) = (self.releases.len(), self.objects);
        write!(f, "{releases} releases with {objects} files: ")?;
        match self.findings.len() {
            0 => f.write_str("nothing wrong")?,
            count => write!(f, "{count} findings")?,
        }
        self.findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}

impl Publisher {
    /// Compares what lies at the target with what should. Changes nothing.
    ///
    /// # Errors
    /// [`Error::NotStaged`] for a release that was asked for and is not there;
    /// [`Error::Cancelled`]; when the target cannot be reached or read. What is wrong with what
    /// is there is no error but a finding.
    pub async fn verify(
        &self,
        scope: VerifyScope,
        depth: VerifyDepth,
        context: &Context,
    ) -> Result<VerifyReport, Error> {
        let _phase = context.phase(Phase::Verifying, None);
        let mut report = VerifyReport::default();
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
        let (mut objects, mut manifests) = (BTreeMap::new(), Vec::new());
        for release in releases {
            report.releases.insert(release);
            match self.read_manifest(&release).await {
                Ok(Some(stored)) => {
                    if let Some(problem) = self.signature_problem(&release, &stored).await? {
                        report.findings.push(Finding::Signature { release, problem });
                    }
                    objects.extend(required(&stored.manifest));
                    manifests.push(stored.manifest);
                }
                Ok(None) if matches!(scope, VerifyScope::Release(_)) => {
                    return Err(Error::NotStaged { release });
                }
                Ok(None) => {
                    let path = layout::in_release(&release, &layout::manifest());
                    report.findings.push(Finding::Missing { path });
                }
                Err(Error::MalformedManifest { source, .. }) => {
                    let problem = source.to_string();
                    report.findings.push(Finding::MalformedManifest { release, problem });
                }
                Err(error) => return Err(error),
            }
        }
        report.objects = objects.len();
        let (findings, sound) = self.check_sizes(objects).await?;
        report.findings.extend(findings);
        let to_read = to_read(sound, &manifests, depth);
        let (findings, hashed_bytes) = check_contents(&self.store, to_read, context).await?;
        report.findings.extend(findings);
        report.hashed_bytes = hashed_bytes;
        if scope == VerifyScope::Everything {
            self.find_unknown(&mut report).await?;
        }
        Ok(report)
    }

    /// The pointer, and what the live release needs in the root of the target.
    async fn verify_pointer(&self, report: &mut VerifyReport) -> Result<PointerState, Error> {
        let state = self.read_pointer().await?;
        let path = state.path.clone();
        match &state.content {
            None | Some(PointerContent::Pointer(_)) => {}
            Some(PointerContent::Foreign) => report.findings.push(Finding::Foreign { path }),
            Some(PointerContent::Malformed { problem, .. }) => {
                let problem = problem.clone();
                report.findings.push(Finding::BrokenPointer { path, problem });
            }
        }
        let (Some(pointer), Some(live)) = (state.pointer(), state.live()) else {
            return Ok(state);
        };
        // A live release without a manifest is found where releases are looked at.
        let Ok(Some(stored)) = self.read_manifest(&live).await else { return Ok(state) };
        let manifest = &stored.manifest;
        let script = layout::in_release(&live, &layout::release_pointer());
        if let Some(script) = self.store.read(&script).await?
            && pointer.script.trim_ascii_end() != script.bytes.trim_ascii_end()
        {
            let problem = "its script is not that of the live release".to_owned();
            report.findings.push(Finding::BrokenPointer { path: state.path.clone(), problem });
        }
        self.verify_places(manifest, &state, report).await?;
        Ok(state)
    }

    async fn verify_places(
        &self,
        manifest: &Manifest,
        pointer: &PointerState,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let places = self.places(manifest, pointer).await?;
        let links = places.links.into_iter().map(|(path, link)| (path, link.state));
        let places = places.entry_points.into_iter().chain(links);
        report.findings.extend(places.filter_map(|(path, state)| state.finding(path)));
        Ok(())
    }

    /// Files below `releases/` and `blobs/` that nothing explains, and unfinished releases.
    async fn find_unknown(&self, report: &mut VerifyReport) -> Result<(), Error> {
        let incomplete = incomplete_manifest()?;
        let mut explained: BTreeMap<ReleaseId, BTreeSet<String>> = BTreeMap::new();
        // Of those, nobody can tell what is theirs.
        let mut malformed = BTreeSet::new();
        for (release, files) in self.list_releases().await? {
            let explained = explained.entry(release).or_default();
            for record in [layout::manifest(), incomplete.clone()] {
                if !files.contains_key(record.as_str()) {
                    continue;
                }
                if record == incomplete {
                    report.findings.push(Finding::Incomplete { release });
                }
                match self.read_manifest_at(&release, &record).await {
                    Ok(Some(stored)) => {
                        explained.extend(stored.manifest.own_paths().map(ToString::to_string));
                        explained.insert(layout::release_pointer().into());
                        explained.insert(layout::manifest_signature().into());
                    }
                    Ok(None) => {}
                    Err(Error::MalformedManifest { .. }) => {
                        malformed.insert(release);
                    }
                    Err(error) => return Err(error),
                }
                explained.insert(record.into());
            }
        }
        for directory in ["releases", "blobs"] {
            let scope = ListScope::Below(ReleasePath::new(directory)?);
            for listed in self.store.list(&scope).await? {
                let is_object = matches!(listed.entry, Entry::Object { .. });
                let known = match in_release(&listed.path) {
                    Some((release, path)) => {
                        malformed.contains(&release)
                            || explained.get(&release).is_some_and(|paths| paths.contains(path))
                    }
                    None => blob_digest(&listed.path).is_some(),
                };
                if !(known && is_object) {
                    report.findings.push(Finding::Unknown { path: listed.path });
                }
            }
        }
        Ok(())
    }
}
