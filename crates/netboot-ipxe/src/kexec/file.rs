//! The files of a tree.

use std::sync::Arc;

use netboot_core::Artifact;

/// A file of a [`KexecTree`](crate::kexec::KexecTree).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KexecFile {
    /// The name of the file in the directory of the tree. The name of the artifact may be another.
    pub name: &'static str,
    /// True if the file is a program, and needs the permission to run.
    pub is_program: bool,
    /// The content.
    pub content: Arc<dyn Artifact>,
}

/// The form of a [`KexecTree`](crate::kexec::KexecTree).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum KexecForm {
    /// A directory with the script `kexec-boot`, as in the `kexecTree` of nixpkgs.
    #[default]
    Tree,
    /// The directory `kexec` in the archive that `nixos-anywhere --kexec` takes. The script has the
    /// name `run` (`kexecLaunchPath` in `src/nixos-anywhere.sh` of nixos-anywhere).
    Installer,
}

impl KexecForm {
    /// Returns the name of the script.
    pub fn script_name(self) -> &'static str {
        match self {
            Self::Tree => "kexec-boot",
            Self::Installer => "run",
        }
    }
}
