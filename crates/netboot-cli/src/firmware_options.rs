//! The options for machines whose firmware checks what it starts.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use netboot_core::{Architecture, Artifact, ArtifactKind, FileArtifact, Report};
use netboot_ipxe::RendererBuilder;

use crate::misuse::OfCommandLine;
use crate::session::Session;

/// The oldest builds of iPXE with the command `shim`.
const BUILD_WITH_SHIM: &str = "trixie-efi";

/// The options for machines with Secure Boot.
#[derive(Debug, Clone, Args)]
pub(crate) struct FirmwareOptions {
    /// Write boot scripts for machines with Secure Boot: they start the signed UKI of each image.
    /// Machines without Secure Boot cannot use such scripts.
    #[arg(long)]
    secure_boot: bool,

    /// The signed shim for machines of an architecture, such as x86_64=shimx64.efi. iPXE 1.21 or
    /// later starts a UKI by it if the firmware does not know the key of the UKI. You can give this
    /// option several times.
    #[arg(
        long,
        value_name = "ARCHITECTURE=FILE",
        requires = "secure_boot",
        value_parser = architecture_and_file
    )]
    shim: Vec<(Architecture, PathBuf)>,
}

impl FirmwareOptions {
    /// True if a shim is given, which only a target needs.
    pub(crate) fn has_shim(&self) -> bool {
        !self.shim.is_empty()
    }

    /// Applies the options to the scripts of a target. Reads the files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) async fn apply(
        &self,
        renderer: RendererBuilder,
        session: &Session,
    ) -> Result<RendererBuilder, Report> {
        let mut renderer = self.apply_to_folder(renderer);
        if self.has_shim() {
            renderer = renderer.ipxe_build(BUILD_WITH_SHIM);
        }
        for (architecture, path) in &self.shim {
            let (kind, name) = (ArtifactKind::EfiProgram, format!("shim-{architecture}.efi"));
            let shim = FileArtifact::open(kind, name, path, &session.context).await;
            let shim: Arc<dyn Artifact> = Arc::new(shim.of_command_line()?);
            renderer = renderer.shim(*architecture, shim);
        }
        Ok(renderer)
    }

    /// Applies the options to a script in a folder beside the image, which has no shim.
    pub(crate) fn apply_to_folder(&self, renderer: RendererBuilder) -> RendererBuilder {
        renderer.secure_boot(self.secure_boot)
    }
}

/// Reads an architecture and a file.
fn architecture_and_file(text: &str) -> Result<(Architecture, PathBuf), String> {
    let Some((architecture, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty())
    else {
        return Err("write the architecture and the file, such as x86_64=shimx64.efi".to_owned());
    };
    let architecture: Architecture =
        architecture.parse().map_err(|error: netboot_core::InvalidValue| error.to_string())?;
    Ok((architecture, PathBuf::from(file)))
}
