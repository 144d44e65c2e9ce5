//! Comparing what lies at a target with what should.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use netboot_core::{
    Content, Context, Manifest, Phase, ReleaseId, ReleasePath, Sha256Hasher, layout,
};
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Publisher;
use super::place::PlaceState;
use super::prune::blob_digest;
use super::target::{PointerState, in_release, incomplete_manifest};
use super::whole::{finding, required};
use crate::pointer::PointerContent;
use crate::store::{Entry, ListScope};
use crate::{Error, Finding, Store};

/// How many objects are read and hashed at once.
const PARALLEL_READS: usize = 4;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerifyDepth {
    /// At sizes only: costs a listing.
    Listing,
    /// At every byte: costs reading all.
    Content,
}

/// What to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        let mut objects = BTreeMap::new();
        for release in releases {
            report.releases.insert(release);
            match self.read_manifest(&release).await {
                Ok(Some(stored)) => objects.extend(required(&stored.manifest)),
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
        let sound = self.verify_sizes(objects, &mut report).await?;
        if depth == VerifyDepth::Content {
            self.verify_contents(sound, &mut report, context).await?;
        }
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
        let findings = places.entry_points.into_iter().chain(links).filter_map(|(path, state)| {
            Some(match state {
                PlaceState::Right => return None,
                PlaceState::Absent => Finding::Missing { path },
                PlaceState::Outdated => Finding::Outdated { path },
                PlaceState::Foreign => Finding::Foreign { path },
            })
        });
        report.findings.extend(findings);
        Ok(())
    }

    /// Checks sizes, and returns the objects whose size is right.
    async fn verify_sizes(
        &self,
        objects: BTreeMap<ReleasePath, Content>,
        report: &mut VerifyReport,
    ) -> Result<BTreeMap<ReleasePath, Content>, Error> {
        let paths: Vec<ReleasePath> = objects.keys().cloned().collect();
        let found = self.store.stat(&paths).await?;
        let mut sound = BTreeMap::new();
        for (path, content) in objects {
            match finding(&path, content.size, found.get(&path)) {
                Some(finding) => report.findings.push(finding),
                None => drop(sound.insert(path, content)),
            }
        }
        Ok(sound)
    }

    async fn verify_contents(
        &self,
        objects: BTreeMap<ReleasePath, Content>,
        report: &mut VerifyReport,
        context: &Context,
    ) -> Result<(), Error> {
        let permits = Arc::new(Semaphore::new(PARALLEL_READS));
        // Tasks of their own, so that several processors hash; dropping the set ends them.
        let mut tasks = JoinSet::new();
        for (path, expected) in objects {
            let (store, permits, context) = (self.store.clone(), permits.clone(), context.clone());
            tasks.spawn(async move {
                let _permit = permits.acquire().await.map_err(|_| Error::Cancelled)?;
                let found = content_of(store.as_ref(), &path, &context).await?;
                Ok::<_, Error>((path, expected, found))
            });
        }
        let mut findings = BTreeMap::new();
        while let Some(task) = tasks.join_next().await {
            // A panic or a shut-down runtime is all that a join can fail of: both end the work.
            let (path, expected, found) = task.map_err(|_| Error::Cancelled)??;
            let Some(found) = found else {
                findings.insert(path.clone(), Finding::Missing { path });
                continue;
            };
            report.hashed_bytes += found.size;
            if found.sha256 != expected.sha256 {
                let (expected, found) = (expected.sha256, found.sha256);
                findings.insert(path.clone(), Finding::WrongDigest { path, expected, found });
            }
        }
        report.findings.extend(findings.into_values());
        Ok(())
    }

    /// Files below `releases/` and `blobs/` that nothing explains, and unfinished releases.
    async fn find_unknown(&self, report: &mut VerifyReport) -> Result<(), Error> {
        let incomplete = incomplete_manifest()?;
        let mut explained: BTreeMap<ReleaseId, BTreeSet<String>> = BTreeMap::new();
        for (release, files) in self.list_releases().await? {
            let explained = explained.entry(release).or_default();
            for record in [layout::manifest(), incomplete.clone()] {
                if !files.contains_key(record.as_str()) {
                    continue;
                }
                if record == incomplete {
                    report.findings.push(Finding::Incomplete { release });
                }
                if let Ok(Some(stored)) = self.read_manifest_at(&release, &record).await {
                    explained.extend(stored.manifest.own_paths().map(ToString::to_string));
                    explained.insert(layout::release_pointer().into());
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
                        explained.get(&release).is_some_and(|paths| paths.contains(path))
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

/// Reads and hashes an object; `None` when it is not there.
async fn content_of(
    store: &dyn Store,
    path: &ReleasePath,
    context: &Context,
) -> Result<Option<Content>, Error> {
    let Some(mut reader) = store.open(path).await? else { return Ok(None) };
    let mut hasher = Sha256Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        context.check()?;
        let read = reader.read(&mut buffer).await;
        match read.map_err(|source| Error::io("read", path.as_str(), source))? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let (sha256, size) = hasher.finish();
    Ok(Some(Content { size, sha256 }))
}
