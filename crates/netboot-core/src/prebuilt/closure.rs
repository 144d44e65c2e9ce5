//! The closure of an image in a directory.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::artifact::Artifact;
use crate::artifact_kind::ArtifactKind;
use crate::closure::{Closure, ClosureManifest};
use crate::command_line::InitPath;
use crate::content::Content;
use crate::context::Context;
use crate::error::Error;
use crate::event::Event;
use crate::file_artifact::FileArtifact;
use crate::name::{FileName, ProfileName};
use crate::regular_file::{open_regular_file, read_text};

/// The file with the description of the closure, and the directory with its files.
const DESCRIPTION: &str = "closure.json";
const BLOBS: &str = "blobs";

/// The greatest size of the description in bytes. The largest release has 100,000 files.
const DESCRIPTION_LIMIT: u64 = 64 * 1024 * 1024;

/// The greatest length of the index's first lines in bytes. A kernel command line is shorter.
const HEADER_LIMIT: u64 = 16 * 1024;

/// The files of a closure before they are checked.
#[derive(Debug, Clone)]
pub(super) struct ClosureFiles {
    blobs: PathBuf,
    manifest: ClosureManifest,
}

impl ClosureFiles {
    /// Reads the description in a directory, if there is one.
    pub(super) async fn find(directory: &Path) -> Result<Option<Self>, Error> {
        let path = directory.join(DESCRIPTION);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_text(&path, DESCRIPTION_LIMIT).await?;
        let manifest = serde_json::from_str(&text).map_err(|error| Error::UnrecognisedImage {
            path,
            problem: format!("it does not describe a closure: {error}"),
        })?;
        Ok(Some(Self { blobs: directory.join(BLOBS), manifest }))
    }

    /// Hashes the files, and checks that the closure is the one of `init`.
    pub(super) async fn open(
        self,
        profile: &ProfileName,
        init: &InitPath,
        context: &Context,
    ) -> Result<Closure, Error> {
        let manifest = &self.manifest;
        let index = self.artifact(ArtifactKind::ClosureIndex, manifest.index, context).await?;
        let header = Self::header(&index)?;
        let expected =
            format!("init {init}\nunpacked {} {}\n", manifest.unpacked_bytes, manifest.inodes);
        match header.split_once('\n') {
            Some((_, rest)) if rest == expected => {}
            Some((_, rest)) if rest.starts_with(&format!("init {init}\n")) => {
                let problem = "its sizes are not those of the closure's index".to_owned();
                let path = self.blobs.with_file_name(DESCRIPTION);
                return Err(Error::UnrecognisedImage { path, problem });
            }
            _ => {
                return Err(Error::InitMissing { profile: profile.clone(), init: init.clone() });
            }
        }
        let mut blobs: Vec<Arc<dyn Artifact>> = Vec::new();
        for (sha256, size) in &manifest.blobs {
            let expected = Content { size: *size, sha256: *sha256 };
            let blob = self.artifact(ArtifactKind::StorePath, expected, context).await?;
            blobs.push(Arc::new(blob));
        }
        context.emit(Event::Warning {
            profile: Some(profile.clone()),
            message: format!(
                "the closure in `{}` was not scanned for secrets: Netboot scans a closure when it \
                 builds it",
                self.blobs.display()
            ),
            hint: Some("make sure that it contains no secret".to_owned()),
        });
        let (unpacked_bytes, inodes) = (manifest.unpacked_bytes, manifest.inodes);
        Ok(Closure { index: Arc::new(index), blobs, unpacked_bytes, inodes })
    }

    async fn artifact(
        &self,
        kind: ArtifactKind,
        Content { size, sha256: expected }: Content,
        context: &Context,
    ) -> Result<FileArtifact, Error> {
        let path = self.blobs.join(expected.to_string());
        let name = FileName::from(&expected);
        let artifact = FileArtifact::open(kind, name, &path, context).await?;
        let found = artifact.sha256();
        if found != expected {
            return Err(Error::UnexpectedDigest { path, expected, found });
        }
        if artifact.size() != size {
            let problem = format!("it gives `{expected}` another size");
            let path = self.blobs.with_file_name(DESCRIPTION);
            return Err(Error::UnrecognisedImage { path, problem });
        }
        Ok(artifact)
    }

    /// The first three lines of an index: the version, the init and the sizes.
    fn header(index: &FileArtifact) -> Result<String, Error> {
        let unreadable = |problem: String| Error::UnrecognisedImage {
            path: index.path().to_owned(),
            problem: format!("its index cannot be read: {problem}"),
        };
        let file = BufReader::new(open_regular_file(index.path())?);
        let unpacked = zstd::stream::read::Decoder::with_buffer(file)
            .map_err(|error| unreadable(error.to_string()))?;
        let mut unpacked = BufReader::new(unpacked.take(HEADER_LIMIT));
        let mut header = String::new();
        for _ in 0..3 {
            unpacked.read_line(&mut header).map_err(|error| unreadable(error.to_string()))?;
        }
        Ok(header)
    }
}
