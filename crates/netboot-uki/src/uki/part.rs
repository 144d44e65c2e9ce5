//! The content of a section that is added to a stub.

use std::sync::Arc;

use netboot_core::Artifact;

/// The boundary at which a kernel looks for the next archive of an initrd, in bytes
/// (`init/initramfs.c` of Linux).
const INITRD_ALIGNMENT: u64 = 4;

/// A section that is added to a stub.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text(String),
    /// Files, each padded with zeros to [`INITRD_ALIGNMENT`] if there are several.
    Files(Vec<Arc<dyn Artifact>>),
}

impl Part {
    pub(crate) const KERNEL: &str = ".linux";
    pub(crate) const INITRD: &str = ".initrd";

    pub(crate) fn text(name: &'static str, text: String) -> Self {
        Self { name, content: Content::Text(text) }
    }

    pub(crate) fn files(name: &'static str, files: Vec<Arc<dyn Artifact>>) -> Self {
        Self { name, content: Content::Files(files) }
    }

    /// The size of the content in bytes.
    pub(crate) fn size(&self) -> u64 {
        match &self.content {
            Content::Text(text) => text.len() as u64,
            Content::Files(files) => {
                let sizes = files
                    .iter()
                    .map(|file| file.size().saturating_add(padding(file.as_ref(), files)));
                sizes.fold(0, u64::saturating_add)
            }
        }
    }
}

/// The number of zeros behind one of several files.
pub(crate) fn padding(file: &dyn Artifact, files: &[Arc<dyn Artifact>]) -> u64 {
    if files.len() < 2 { 0 } else { file.size().wrapping_neg() % INITRD_ALIGNMENT }
}
