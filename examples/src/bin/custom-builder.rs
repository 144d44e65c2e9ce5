//! Your own builder: it makes a rescue image from a kernel and a static busybox, without Nix, and
//! publishes it like any other image.

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use netboot_core::{
    Artifact, ArtifactKind, BootSpec, Builder, BytesArtifact, Context, Error, Event, FileArtifact,
    FileName, Image, Phase, Profile, ProfileSpec, Provenance, Report, async_trait,
};
use netboot_examples::run_program;
use netboot_ipxe::Renderer;
use netboot_process::{Command, Finished};
use netboot_publish::{LocalStore, Publisher};

/// Build and publish a rescue image.
#[derive(Debug, Parser)]
struct Arguments {
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

/// Makes rescue images: an existing kernel, and an initrd with a shell.
#[derive(Debug)]
struct RescueBuilder {
    kernel: PathBuf,
    busybox: PathBuf,
}

/// The errors that only [`RescueBuilder`] has. The trait [`Builder`] uses [`netboot_core::Error`],
/// which contains this error as its source.
#[derive(Debug, thiserror::Error)]
enum RescueError {
    #[error("cannot pack the initrd")]
    Run { source: netboot_process::Error },
    #[error("`{program}` could not pack the initrd: {stderr}")]
    Pack { program: PathBuf, stderr: String },
}

impl netboot_core::BackendError for RescueError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Run { source } => source.hint(),
            Self::Pack { program, .. } => {
                let program = program.display();
                Some(format!("check that `{program}` is a busybox with the applet cpio"))
            }
        }
    }
}

const INIT: &str = "#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
echo \"RESCUE-READY $(/bin/busybox cat /proc/cmdline)\" > /dev/console
exec /bin/busybox poweroff -f
";

#[async_trait]
impl Builder for RescueBuilder {
    fn name(&self) -> &'static str {
        "rescue"
    }

    async fn build(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
        let result = self.image(profile, context).await;
        let (profile, succeeded) = (profile.name().clone(), result.is_ok());
        context.emit(Event::ProfileFinished { profile, succeeded });
        result
    }
}

impl RescueBuilder {
    async fn image(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
        let architecture = profile.architecture();
        let kernel_name = FileName::new(architecture.kernel_file_name())?;
        netboot_core::inspect::check_kernel(&self.kernel, architecture).await?;
        let kernel =
            FileArtifact::open(ArtifactKind::Kernel, kernel_name, &self.kernel, context).await?;
        let initrd = self.initrd(profile, context).await?;

        let boot = BootSpec::new(architecture, "/init", ["console=ttyS0,115200", "panic=-1"])?;
        Image::builder(profile, boot)
            .kernel(Arc::new(kernel))
            .initrd(initrd)
            .provenance(Provenance::new(self.name()))
            .build()
    }

    /// Packs the initrd in a temporary directory, which is removed when this returns or is dropped.
    async fn initrd(
        &self,
        profile: &dyn Profile,
        context: &Context,
    ) -> Result<Arc<dyn Artifact>, Error> {
        let _phase = context.phase(Phase::Realising, Some(profile.name()));
        let root = tempfile::tempdir().map_err(|e| Error::io("create", std::env::temp_dir(), e))?;
        let bin = root.path().join("bin");
        tokio::fs::create_dir(&bin).await.map_err(|e| Error::io("create", &bin, e))?;
        let busybox = bin.join("busybox");
        tokio::fs::copy(&self.busybox, &busybox)
            .await
            .map_err(|e| Error::io("copy", &self.busybox, e))?;
        write_executable(&root.path().join("init"), INIT).await?;

        let bytes = self.pack(root.path(), profile, context).await?;
        let name = FileName::new("initrd")?;
        Ok(Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, bytes)?))
    }

    /// Runs busybox, which gets none of the secrets in this program's environment.
    async fn pack(
        &self,
        root: &Path,
        profile: &dyn Profile,
        context: &Context,
    ) -> Result<Vec<u8>, Error> {
        let command =
            Command::new(&self.busybox).args(["cpio", "-o", "-H", "newc"]).current_dir(root);
        let names = &b"bin\nbin/busybox\ninit"[..];
        let finished = command.run_with_input(names, context.cancellation().cancelled()).await;
        let Finished { status, output, last_lines, .. } =
            finished.map_err(|error| match error {
                netboot_process::Error::Cancelled { .. } => Error::Cancelled,
                error => {
                    Error::build(self.name(), profile.name(), RescueError::Run { source: error })
                }
            })?;
        // A program that is no busybox may end with success before it reads the names.
        let stderr = match (status.success(), output.is_empty()) {
            (true, false) => return Ok(output),
            (true, true) => "it wrote nothing".to_owned(),
            (false, _) => last_lines.to_string(),
        };
        let program = self.busybox.clone();
        Err(Error::build(self.name(), profile.name(), RescueError::Pack { program, stderr }))
    }
}

async fn write_executable(path: &Path, text: &str) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;

    let failed = |source| Error::io("write", path, source);
    tokio::fs::write(path, text).await.map_err(failed)?;
    tokio::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).await.map_err(failed)
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_program(async |context| run(arguments, &context).await).await
}

async fn run(arguments: Arguments, context: &Context) -> Result<(), Report> {
    let profile = ProfileSpec::new("rescue")?.with_title("Rescue shell")?;
    // The builder can be chosen at run time: the code below works with any builder.
    let builder: Box<dyn Builder> =
        Box::new(RescueBuilder { kernel: arguments.kernel, busybox: arguments.busybox });

    let image = builder.build(&profile, context).await?;
    let release = Renderer::builder().build()?.render_release([image])?;
    let publisher = Publisher::new(LocalStore::new(&arguments.publish));
    println!("{}", publisher.publish(&release, context).await?);
    Ok(())
}
