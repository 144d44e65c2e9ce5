//! The description of an image in a manifest.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::artifact_kind::ArtifactKind;
use crate::boot_spec::BootSpec;
use crate::closure::ClosureManifest;
use crate::content::FileRecord;
use crate::error::Error;
use crate::name::{ProfileName, ServiceName, Title};
use crate::provenance::Provenance;

/// The description of an image in a manifest.
///
/// The release's id covers everything but `provenance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImageManifest {
    /// The title that a menu shows for the image.
    pub title: Title,
    /// The services that the image provides.
    pub services: Vec<ServiceName>,
    /// The way to start the image: architecture, `init` and kernel parameters.
    pub boot: BootSpec,
    /// The kernel.
    pub kernel: FileRecord,
    /// The initrds, in order.
    pub initrds: Vec<FileRecord>,
    /// The store paths that the machine fetches by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closure: Option<ClosureManifest>,
    /// The origin of the image.
    pub provenance: Provenance,
}

impl ImageManifest {
    /// Returns the records of the files that the boot loader fetches: the kernel, then the initrds
    /// in order.
    pub fn payload(&self) -> impl Iterator<Item = &FileRecord> {
        std::iter::once(&self.kernel).chain(&self.initrds)
    }

    /// Checks that a machine can boot an image of this description.
    pub(crate) fn check(&self, profile: &ProfileName) -> Result<(), Error> {
        if self.initrds.is_empty() {
            return Err(Error::IncompleteImage { profile: profile.clone(), missing: "initrd" });
        }
        self.boot.command_line()?;
        self.closure.as_ref().map_or(Ok(()), |closure| closure.check(profile))?;
        let kinds =
            [ArtifactKind::Kernel].into_iter().chain(std::iter::repeat(ArtifactKind::Initrd));
        if let Some((file, kind)) = self.payload().zip(kinds).find(|(file, _)| file.size == 0) {
            let path = file.file_name.as_str().into();
            return Err(Error::EmptyArtifact { kind, path });
        }
        let mut names = BTreeSet::new();
        match self.payload().find(|file| !names.insert(&file.file_name)) {
            Some(file) => Err(Error::Duplicate { name: file.file_name.to_string() }),
            None => Ok(()),
        }
    }
}
