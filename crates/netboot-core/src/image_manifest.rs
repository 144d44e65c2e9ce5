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
    /// The kernel, the initrds and the command line as one EFI program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uki: Option<FileRecord>,
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

    /// Returns the records of all files that boot loaders and firmware start machines from: the
    /// [payload](Self::payload), then the UKI, if there is one.
    pub fn boot_files(&self) -> impl Iterator<Item = &FileRecord> {
        self.payload().chain(&self.uki)
    }

    /// Checks that a machine can boot an image of this description.
    pub(crate) fn check(&self, profile: &ProfileName) -> Result<(), Error> {
        if self.initrds.is_empty() {
            return Err(Error::IncompleteImage { profile: profile.clone(), missing: "initrd" });
        }
        self.boot.command_line()?;
        self.closure.as_ref().map_or(Ok(()), |closure| closure.check(profile))?;
        let initrds = self.initrds.iter().map(|file| (file, ArtifactKind::Initrd));
        let uki = self.uki.iter().map(|file| (file, ArtifactKind::Uki));
        let mut files =
            std::iter::once((&self.kernel, ArtifactKind::Kernel)).chain(initrds).chain(uki);
        if let Some((file, kind)) = files.find(|(file, _)| file.size == 0) {
            let path = file.file_name.as_str().into();
            return Err(Error::EmptyArtifact { kind, path });
        }
        let mut names = BTreeSet::new();
        match self.boot_files().find(|file| !names.insert(&file.file_name)) {
            Some(file) => Err(Error::Duplicate { name: file.file_name.to_string() }),
            None => Ok(()),
        }
    }
}
