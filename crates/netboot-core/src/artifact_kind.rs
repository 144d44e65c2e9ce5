//! The kinds of artifacts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The role of an artifact for the machine that boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ArtifactKind {
    /// A kernel.
    Kernel,
    /// An initial RAM disk, or one layer of it.
    Initrd,
    /// A unified kernel image (UKI): a kernel, its initrds and its command line as one EFI program.
    Uki,
    /// Another EFI program, such as a shim or a build of iPXE.
    EfiProgram,
    /// A boot script.
    Script,
    /// The log of a build.
    BuildLog,
    /// The index of a closure, which lists its store paths.
    ClosureIndex,
    /// A store path of a closure, packed.
    StorePath,
    /// A detached signature of another artifact.
    Signature,
    /// A document about an image.
    Document,
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::Uki => "UKI",
            Self::EfiProgram => "EFI program",
            Self::Script => "script",
            Self::BuildLog => "build log",
            Self::ClosureIndex => "closure index",
            Self::StorePath => "store path",
            Self::Signature => "signature",
            Self::Document => "document",
        })
    }
}
