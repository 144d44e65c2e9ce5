//! The options for machines whose firmware checks what it starts.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use netboot_core::{Architecture, Artifact, ArtifactKind, FileArtifact, Report};
use netboot_ipxe::RendererBuilder;
use tokio::io::AsyncReadExt;

use crate::misuse::{Misuse, OfCommandLine, first_given};
use crate::session::Session;

/// The oldest builds of iPXE with the command `shim`.
const BUILD_WITH_SHIM: &str = "trixie-efi";

/// The maximum size of a program for firmware, in bytes, which a release can have.
const PROGRAM_LIMIT: u64 = 16 * 1024 * 1024;

/// The options for machines with Secure Boot, and for firmware that boots by HTTP.
#[derive(Debug, Clone, Args)]
pub(crate) struct FirmwareOptions {
    /// Write boot scripts for machines with Secure Boot: they start the signed UKI of each image.
    /// Machines without Secure Boot cannot use such scripts.
    #[arg(long)]
    secure_boot: bool,

    /// The signed shim for machines of an architecture, such as `x86_64=shimx64.efi`. iPXE 2.0
    /// starts a UKI by it if the firmware does not know the key of the UKI. Builds of iPXE 1.21
    /// from sources of May 2023 or later do so too. You can give this option several times.
    #[arg(
        long,
        value_name = "ARCHITECTURE=FILE",
        requires = "secure_boot",
        value_parser = architecture_and_file
    )]
    shim: Vec<(Architecture, PathBuf)>,

    /// The iPXE for machines of an architecture whose firmware boots by HTTP, such as
    /// `x86_64=ipxe.efi`. Sign it for machines with Secure Boot. It becomes the target's
    /// `boot-<architecture>.efi`. You can give this option several times.
    #[arg(long, value_name = "ARCHITECTURE=FILE", value_parser = architecture_and_file)]
    ipxe_efi: Vec<(Architecture, PathBuf)>,
}

impl FirmwareOptions {
    /// True if scripts start UKIs.
    pub(crate) fn starts_ukis(&self) -> bool {
        self.secure_boot
    }

    /// The first of the options that is given and that only a target needs.
    pub(crate) fn given(&self) -> Option<&'static str> {
        first_given([("--shim", !self.shim.is_empty()), ("--ipxe-efi", !self.ipxe_efi.is_empty())])
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
        for (architecture, path) in &self.ipxe_efi {
            let (kind, name) = (ArtifactKind::EfiProgram, format!("boot-{architecture}.efi"));
            let program = FileArtifact::open(kind, name, path, &session.context).await;
            let bytes = read_program(&program.of_command_line()?).await?;
            renderer = renderer.boot_program(*architecture, bytes);
        }
        if !self.shim.is_empty() {
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

/// Reads a program, which is at most as large as a release can have it.
async fn read_program(program: &FileArtifact) -> Result<Vec<u8>, Report> {
    if program.size() > PROGRAM_LIMIT {
        let name = program.file_name();
        return Err(Misuse::report(
            format!("the program for `{name}` has more than {} MiB", PROGRAM_LIMIT >> 20),
            "give a build of iPXE, which has about 1 MiB",
        ));
    }
    let mut bytes = Vec::new();
    let mut reader = program.open().await.of_command_line()?;
    let read = reader.read_to_end(&mut bytes).await;
    read.map_err(|error| {
        let name = program.file_name();
        Misuse::report(
            format!("the program for `{name}` cannot be read: {error}"),
            "give a file that this user can read",
        )
    })?;
    Ok(bytes)
}
