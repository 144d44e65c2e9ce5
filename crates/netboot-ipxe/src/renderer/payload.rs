//! Where a script finds kernels, initrds and signatures.

use netboot_core::{Artifact, layout};

use crate::script_url::ScriptUrl;

/// How payloads are named.
#[derive(Debug, Clone)]
pub(super) enum PayloadUrls {
    /// By digest, from a script that lies so many directories below the target's root.
    Relative(usize),
    /// By digest, below a URL.
    Absolute(ScriptUrl),
    /// By their own names, beside the script.
    Neighbours,
}

impl PayloadUrls {
    /// The URL of an artifact.
    pub(super) fn of(&self, artifact: &dyn Artifact) -> ScriptUrl {
        match self {
            Self::Relative(directories) => {
                ScriptUrl::from_below(*directories, &layout::blob(&artifact.sha256()))
            }
            Self::Absolute(url) => url.below(&layout::blob(&artifact.sha256())),
            Self::Neighbours => ScriptUrl::neighbour(artifact.file_name()),
        }
    }

    /// The URL of the signature of `signed`.
    pub(super) fn of_signature(
        &self,
        signed: &dyn Artifact,
        signature: &dyn Artifact,
    ) -> ScriptUrl {
        match self {
            Self::Neighbours => ScriptUrl::neighbour(signed.file_name()).signature(),
            _ => self.of(signature),
        }
    }

    /// The URL of the directory that has payloads by digest; that of the script, where none has.
    pub(super) fn blobs(&self) -> String {
        match self {
            Self::Relative(directories) => format!("{}blobs", "../".repeat(*directories)),
            Self::Absolute(url) => format!("{}/blobs", url.as_str().trim_end_matches('/')),
            Self::Neighbours => ".".to_owned(),
        }
    }
}
