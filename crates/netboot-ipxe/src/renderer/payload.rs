//! The URLs of kernels, initrds and signatures in a script.

use netboot_core::{Artifact, layout};

use crate::script_url::ScriptUrl;

/// The naming of payloads.
#[derive(Debug, Clone)]
pub(super) enum PayloadUrls {
    /// By digest, from a script this many levels below the root of the target.
    Relative(usize),
    /// By digest, below a URL.
    Absolute(ScriptUrl),
    /// By their own names, in the directory of the script.
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

    /// The URL of the directory with payloads by digest, or else the directory of the script.
    pub(super) fn blobs(&self) -> String {
        match self {
            Self::Relative(directories) => format!("{}blobs", "../".repeat(*directories)),
            Self::Absolute(url) => format!("{}/blobs", url.as_str().trim_end_matches('/')),
            Self::Neighbours => ".".to_owned(),
        }
    }
}
