//! Your own builder: it makes a rescue image from a kernel and a static busybox, without Nix, and
//! publishes it like any other image.
#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use netboot_core::{
    ArtifactKind, BackendError, BootSpec, Builder, BytesArtifact, Context, Error, ErrorClass,
    Event, FileArtifact, Image, Profile, ProfileSpec, Provenance, async_trait,
};
use netboot_examples::run_program;
use netboot_ipxe::Renderer;
use netboot_process::Command;
use netboot_publish::{LocalStore, Publisher};

/// Makes rescue images, an existing kernel and an initrd with a shell, and publishes one.
#[derive(Debug, Parser)]
struct RescueBuilder {
    /// The kernel to boot.
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,
    /// A statically linked busybox.
    #[arg(long, value_name = "FILE", default_value = "/bin/busybox")]
    busybox: PathBuf,
    /// The directory to publish to.
    #[arg(long, value_name = "DIR")]
    publish: PathBuf,
}

/// The error that only [`RescueBuilder`] has. [`Error::Build`] contains it as its source.
#[derive(Debug, thiserror::Error)]
#[error("`{program}` could not pack the initrd")]
struct PackError {
    program: String,
}

impl BackendError for PackError {
    fn hint(&self) -> Option<String> {
        Some(format!("check that `{}` is a busybox with the applet cpio", self.program))
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Equipment
    }
}

/// Packs the busybox that runs it (`$0`) and the script `$1`.
const PACK: &str = r#"box() { "$0" "$@"; }
box mkdir bin; box cp "$0" bin/busybox; echo "$1" > init; box chmod 755 init
printf 'bin\nbin/busybox\ninit\n' | box cpio -o -H newc"#;
const INIT: &str = r#"#!/bin/busybox sh
b=/bin/busybox; $b mkdir -p /proc /dev; $b mount -t proc proc /proc; $b mount -t devtmpfs dev /dev
echo "RESCUE-READY $(/bin/busybox cat /proc/cmdline)" > /dev/console
exec /bin/busybox poweroff -f"#;

#[async_trait]
impl Builder for RescueBuilder {
    fn name(&self) -> &'static str {
        "rescue"
    }

    async fn build(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
        let architecture = profile.architecture();
        netboot_core::inspect::check_kernel(&self.kernel, architecture).await?;
        let (kind, name) = (ArtifactKind::Kernel, architecture.kernel_file_name());
        let kernel = FileArtifact::open(kind, name, &self.kernel, context).await?;
        let root = tempfile::tempdir().map_err(|e| Error::io("create", std::env::temp_dir(), e))?;
        let program = self.busybox.display().to_string();
        let busybox = Command::new(&self.busybox).args(["sh", "-ec", PACK, &program, INIT]);
        let packing = busybox.current_dir(root.path());
        let packed = packing.run_with_input(&b""[..], context.cancellation().cancelled()).await;
        context.check()?;
        let packed = packed.ok().filter(|it| it.status.success() && !it.output.is_empty());
        let error = || Error::build(self.name(), profile.name(), PackError { program });
        let bytes = packed.ok_or_else(error)?.output;
        let initrd = BytesArtifact::new(ArtifactKind::Initrd, "initrd", bytes)?;
        let boot = BootSpec::new(architecture, "/init", ["console=ttyS0,115200", "panic=-1"])?;
        let image = Image::builder(profile, boot).kernel(kernel).initrd(initrd);
        let image = image.provenance(Provenance::new(self.name())).build()?;
        context.emit(Event::ProfileFinished { profile: profile.name().clone(), succeeded: true });
        Ok(image)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let builder = RescueBuilder::parse();
    run_program(async |context| {
        let profile = ProfileSpec::new("rescue")?.with_title("Rescue shell")?;
        let image = builder.build(&profile, &context).await?;
        let release = Renderer::builder().build()?.render_release([image])?;
        let publisher = Publisher::new(LocalStore::new(&builder.publish));
        println!("{}", publisher.publish(&release, &context).await?);
        Ok(())
    })
    .await
}
