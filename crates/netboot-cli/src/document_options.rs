//! The options for documents about images.

use clap::Args;
use netboot_core::{DocumentKind, Report};

use crate::session::Session;

/// The options of commands that make images or publish existing ones.
#[derive(Debug, Clone, Args)]
pub(crate) struct DocumentOptions {
    /// Give each image a software bill of materials, in the JSON of CycloneDX. The release has it
    /// as `PROFILE/sbom.cdx.json`.
    #[arg(long)]
    sbom: bool,

    /// Give each image a statement of its provenance, in the form of SLSA. The release has it as
    /// `PROFILE/provenance.intoto.json`.
    #[arg(long)]
    provenance: bool,
}

impl DocumentOptions {
    /// The documents that the command line or `[documents]` of netboot.toml asks for.
    ///
    /// # Errors
    /// If netboot.toml cannot be read.
    pub(crate) fn kinds(&self, session: &Session) -> Result<Vec<DocumentKind>, Report> {
        let mut wanted = session.configuration()?.documents;
        wanted.sbom |= self.sbom;
        wanted.provenance |= self.provenance;
        Ok(wanted.kinds())
    }
}
