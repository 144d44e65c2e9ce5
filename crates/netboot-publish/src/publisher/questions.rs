//! The questions that operations ask a target at once.

use netboot_core::{Manifest, Release, ReleaseId, ReleasePath, layout};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::checks::objects::required;
use crate::publisher::inventory::untrusted_manifest::{manifest_path, signature_path};
use crate::publisher::uploads::uploads;
use crate::store::Question;

impl Publisher {
    /// Everything that publishing a release asks.
    pub(crate) fn question_of(&self, release: &Release) -> Result<Question, Error> {
        let question = self.question_of_manifest(release.manifest())?;
        let sizes = uploads(release)?.into_values().map(|upload| {
            let size = upload.artifact().size();
            (upload.path().clone(), Some(size))
        });
        // The record of staging has the bytes of the manifest.
        let record = layout::in_release(release.id(), &layout::incomplete_manifest());
        let size = release.manifest().to_json()?.len() as u64;
        Ok(question.with_entries(sizes).with_entries([(record, Some(size))]))
    }

    /// Everything that making a staged release live asks.
    pub(crate) fn question_of_manifest(&self, manifest: &Manifest) -> Result<Question, Error> {
        let objects = required(manifest).into_iter();
        let links = self.places.links(manifest)?.into_keys();
        Ok(Question::default()
            .with_entries(objects.map(|(path, content)| (path, Some(content.size))))
            .with_entries(links.map(|path| (path, None)))
            .with_documents(self.records_of(manifest.release()))
            .with_documents(manifest.entry_points().keys().cloned()))
    }

    /// The pointer, and the files that say which files a release has.
    pub(crate) fn records_of(&self, release: &ReleaseId) -> Vec<ReleasePath> {
        let mut records = vec![self.pointer_path(), manifest_path(release)];
        if self.signing.is_required() || !self.signing.signers.is_empty() {
            records.push(signature_path(release));
        }
        records
    }
}
