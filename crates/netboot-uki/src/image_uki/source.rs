//! The file of a UKI that is checked.

use std::path::PathBuf;

use netboot_core::{Artifact, Context};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::error::Error;
use crate::whole_artifact::WholeArtifact;

/// The file of a UKI on this machine. One that was copied goes away with this value.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// The path that errors name.
    pub(super) name: PathBuf,
    _copy: Option<NamedTempFile>,
}

impl Source {
    /// Finds the file of a UKI. Copies a UKI that is no file on this machine into a temporary one.
    pub(super) async fn of(uki: &dyn Artifact, context: &Context) -> Result<Self, Error> {
        if let Some(path) = uki.local_path() {
            return Ok(Self { path: path.to_owned(), name: path.to_owned(), _copy: None });
        }
        let create = |source| {
            let path = std::env::temp_dir();
            Error::Io { action: "create a file in", path, source }
        };
        let copy = NamedTempFile::new().map_err(create)?;
        let path = copy.path().to_owned();
        let wrote = |source| Error::Io { action: "write", path: path.clone(), source };
        let mut file = tokio::fs::File::from_std(copy.reopen().map_err(wrote)?);
        let mut whole = WholeArtifact::open(uki, context).await?;
        while let Some(bytes) = whole.next().await? {
            file.write_all(bytes).await.map_err(wrote)?;
        }
        file.flush().await.map_err(wrote)?;
        Ok(Self { path, name: uki.file_name().as_str().into(), _copy: Some(copy) })
    }
}
