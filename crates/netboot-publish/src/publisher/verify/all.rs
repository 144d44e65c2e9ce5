//! Verifying all releases of a target by two listings and their manifests.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::layout::{self, Location};
use netboot_core::{Context, ReleaseId, ReleasePath, Sha256Digest};

use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::Publisher;
use crate::publisher::checks::contents::check_contents;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::objects::{Objects, required};
use crate::publisher::checks::whole::check_sizes;
use crate::publisher::inventory::cache_record::CacheRecord;
use crate::publisher::inventory::nar_infos::CacheFiles;
use crate::publisher::inventory::presence::Presence;
use crate::publisher::inventory::records::{ReadRecord, Records, WantedRecord};
use crate::publisher::inventory::release_files::{ReleaseFiles, own_paths};
use crate::publisher::inventory::untrusted_manifest::{UntrustedManifest, manifest_path};
use crate::store::{Entry, ListScope, Listed};
use crate::verify_report::VerifyReport;

/// The releases and objects that were found so far.
#[derive(Debug, Default)]
struct Found {
    presence: Presence,
    /// The files of the binary cache, once they are listed.
    cache: Option<CacheFiles>,
    /// The blobs that releases name, to count each once.
    blobs: BTreeSet<Sha256Digest>,
    /// The objects whose bytes may have to be read, with the blobs among them.
    objects: Objects,
    blobs_to_read: BTreeMap<Sha256Digest, u64>,
    /// The objects that the listings lack, or show with another size.
    doubted: Objects,
    /// The files that belong to each release.
    explained: BTreeMap<ReleaseId, BTreeSet<ReleasePath>>,
    /// The releases without a readable manifest. Nobody can tell which files belong to them.
    unexplained: BTreeSet<ReleaseId>,
}

impl Publisher {
    /// Verifies the live release, every release with a manifest, and the files that belong to none.
    pub(super) async fn verify_all(
        &self,
        live: Option<ReleaseId>,
        depth: VerifyDepth,
        report: &mut VerifyReport,
        context: &Context,
    ) -> Result<(), Error> {
        let store = self.store.as_ref();
        let listed = store.list(&ListScope::Below(layout::releases())).await?;
        // A publisher sends the blobs of a release before its manifest.
        let blobs = store.list(&ListScope::Below(layout::blobs())).await?;
        let mut unknown = unknown_places(&listed, &blobs);
        let mut found = Found { presence: Presence::of(&listed, &blobs), ..Found::default() };
        drop(blobs);
        let releases = ReleaseFiles::of(listed);
        if let Some(live) =
            live.filter(|live| !releases.get(live).is_some_and(ReleaseFiles::is_staged))
        {
            report.releases.insert(live);
            report.findings.push(Finding::Missing { path: manifest_path(&live) });
        }
        let mut beside = self.signing.files();
        beside.push(layout::binary_cache_record());
        let wanted = releases.iter().flat_map(|(release, files)| {
            let beside = &beside;
            files.records().map(move |record| {
                let beside = if record == layout::manifest() { &beside[..] } else { &[] };
                WantedRecord::listed(*release, files, record, beside)
            })
        });
        let mut records = Records::new(store, wanted);
        while let Some(batch) = records.next().await? {
            for read in batch {
                context.check()?;
                self.verify_record(&read, depth, &mut found, report).await?;
            }
        }
        report.objects += found.blobs.len();
        // A listing may lack an object that was written while the target was listed.
        let (findings, sound) = check_sizes(store, found.doubted).await?;
        report.findings.extend(findings);
        found.objects.extend(sound);
        let to_read = depth.to_read(found.objects, &found.blobs_to_read);
        let (findings, hashed_bytes) = check_contents(&self.store, to_read, context).await?;
        report.findings.extend(findings);
        report.hashed_bytes = hashed_bytes;
        for (release, files) in &releases {
            if files.contains(&layout::incomplete_manifest()) {
                report.findings.push(Finding::Incomplete { release: *release });
            }
            if found.unexplained.contains(release) {
                continue;
            }
            let explained = found.explained.get(release);
            for (path, entry) in files.iter() {
                let is_known = explained.is_some_and(|explained| explained.contains(path));
                if !(is_known && matches!(entry, Entry::Object { .. })) {
                    unknown.insert(layout::in_release(release, path).to_string());
                }
            }
        }
        let unknown = unknown.into_iter().map(|path| Finding::Unknown { path });
        report.findings.extend(unknown);
        Ok(())
    }

    /// Verifies what one record of a release says.
    async fn verify_record(
        &self,
        read: &ReadRecord,
        depth: VerifyDepth,
        found: &mut Found,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        let (release, is_manifest) = (read.release, read.record == layout::manifest());
        let stored = match read.manifest() {
            Ok(Some(stored)) => stored,
            // Another publisher deleted it meanwhile.
            Ok(None) => {
                found.unexplained.insert(release);
                return Ok(());
            }
            Err(Error::MalformedManifest { source, .. }) => {
                found.unexplained.insert(release);
                if is_manifest {
                    let problem = source.to_string();
                    report.releases.insert(release);
                    report.findings.push(Finding::MalformedManifest { release, problem });
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let explained = found.explained.entry(release).or_default();
        explained.extend(own_paths(stored.unchecked()));
        explained.insert(read.record.clone());
        if !is_manifest {
            return Ok(());
        }
        report.releases.insert(release);
        let signatures = read.beside(&layout::manifest_signature()).map(|it| &it[..]);
        if let Some(problem) = self.signing.problem_with(&stored, signatures) {
            report.findings.push(Finding::Signature { release, problem });
        }
        let record = read.beside(&layout::binary_cache_record());
        let record = record.and_then(|bytes| CacheRecord::parse(bytes));
        self.verify_cache(stored.unchecked(), record, &mut found.cache, depth, report).await?;
        found.add(&stored, depth, report);
        Ok(())
    }
}

impl Found {
    /// Compares the objects of a release with the listings.
    fn add(&mut self, stored: &UntrustedManifest, depth: VerifyDepth, report: &mut VerifyReport) {
        let mut objects = required(stored.unchecked());
        for path in objects.keys() {
            match Location::parse(path.as_str()) {
                Some(Location::Blob(sha256)) => drop(self.blobs.insert(sha256)),
                _ => report.objects += 1,
            }
        }
        let doubted: Vec<ReleasePath> = self.presence.damaged(&objects).cloned().collect();
        for path in doubted {
            self.doubted.extend(objects.remove_entry(&path));
        }
        // A listing needs no more than the sizes, and many objects take much memory.
        if depth > VerifyDepth::Listing {
            self.objects.extend(objects);
            self.blobs_to_read.extend(stored.unchecked().blobs());
        }
    }
}

/// Returns what lies below `releases` and `blobs` in no place of the layout, or is no object.
fn unknown_places(releases: &[Listed], blobs: &[Listed]) -> BTreeSet<String> {
    let in_releases = releases.iter().filter(|listed| {
        !matches!(Location::parse(&listed.path), Some(Location::InRelease { .. }))
    });
    let in_blobs = blobs.iter().filter(|listed| {
        let is_blob = matches!(Location::parse(&listed.path), Some(Location::Blob(_)));
        !(is_blob && matches!(listed.entry, Entry::Object { .. }))
    });
    in_releases.chain(in_blobs).map(|listed| listed.path.clone()).collect()
}
