//! Making a UKI from a stub, a kernel and everything else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use netboot_core::{Architecture, Artifact, Context, KernelCommandLine, Sha256Digest};

use crate::error::Error;
use crate::stub::Stub;
use crate::uki::kernel_reader::KernelReader;
use crate::uki::part::Part;
use crate::uki::text;
use crate::uki::writing::Assembly;
use crate::whole_artifact::WholeArtifact;

/// A unified kernel image: one EFI program of systemd's stub, a kernel, initrds, a command line and
/// the texts that name the system (the UAPI Group's "Unified Kernel Image" specification).
///
/// A UKI has no time and no other trace of the machine that makes it, so that equal parts make
/// equal bytes. `ukify` of systemd 257 makes them too, except for the checksum in the headers.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
///
/// use netboot_core::{Artifact, Context, KernelCommandLine};
/// use netboot_uki::{KeyFile, Stub, Uki, sign};
///
/// # async fn make(
/// #     kernel: Arc<dyn Artifact>, initrd: Arc<dyn Artifact>, command_line: KernelCommandLine,
/// # ) -> Result<(), netboot_uki::Error> {
/// let context = Context::new();
/// let uki = Uki::builder(Stub::read("linuxx64.efi.stub")?, kernel, &command_line)
///     .initrd(initrd)
///     .os_release("ID=nixos\nVERSION_ID=\"25.11\"\n")
///     .uname("6.12.30")
///     .build()
///     .await?;
/// uki.write("worker-unsigned.efi", &context).await?;
/// let signer = KeyFile::read("db.key", "db.crt")?;
/// sign("worker-unsigned.efi", "worker.efi", &signer, &context).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Uki(Assembly);

/// Collects the parts of a [`Uki`].
#[derive(Debug)]
#[must_use = "a builder makes nothing until it is built"]
pub struct UkiBuilder {
    stub: Stub,
    kernel: Arc<dyn Artifact>,
    initrds: Vec<Arc<dyn Artifact>>,
    command_line: String,
    os_release: Option<String>,
    uname: Option<String>,
}

impl Uki {
    /// Begins a UKI for the machines that `stub` and `kernel` are for.
    ///
    /// There is no UKI without a command line, because its stub would take any one that a boot
    /// loader or the firmware passes, even with Secure Boot. With a command line of its own and
    /// with Secure Boot, the stub ignores those. It still appends the parameters of signed
    /// [`Addon`](crate::Addon)s, and those that the machine's SMBIOS tables give in strings
    /// `io.systemd.stub.kernel-cmdline-extra=`, except in a confidential virtual machine
    /// (systemd-stub(7)). So whoever controls the SMBIOS tables of a machine, such as its
    /// hypervisor, can add parameters.
    pub fn builder(
        stub: Stub,
        kernel: Arc<dyn Artifact>,
        command_line: &KernelCommandLine,
    ) -> UkiBuilder {
        UkiBuilder {
            stub,
            kernel,
            initrds: Vec::new(),
            command_line: command_line.to_string(),
            os_release: None,
            uname: None,
        }
    }

    /// The architecture of the machines that boot it.
    pub fn architecture(&self) -> Architecture {
        self.0.headers().architecture
    }

    /// The size in bytes of the file without signatures.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// Writes the UKI to `path`, where nothing may be. The file appears when it is complete. The
    /// memory that this takes does not depend on the size of the parts.
    ///
    /// Returns the digest that a signature of the UKI covers.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written, [`Error::Program`] if a part has another size than
    /// before, [`Error::Core`] if a part has other bytes than its digest says, if it cannot be read
    /// or if the work was cancelled.
    pub async fn write(
        &self,
        path: impl AsRef<Path>,
        context: &Context,
    ) -> Result<Sha256Digest, Error> {
        self.0.write(path.as_ref(), context).await
    }
}

impl UkiBuilder {
    /// Adds an initrd. The kernel unpacks initrds in the order in which they are added.
    pub fn initrd(mut self, initrd: Arc<dyn Artifact>) -> Self {
        self.initrds.push(initrd);
        self
    }

    /// Sets the content of `os-release` (os-release(5)), which boot loaders show.
    pub fn os_release(mut self, text: impl Into<String>) -> Self {
        self.os_release = Some(text.into());
        self
    }

    /// Sets the version of the kernel, as `uname -r` prints it. An [`Addon`](crate::Addon) can be
    /// for this version only. Without it, the UKI has the version that the kernel itself states:
    /// the header of a `bzImage`, or the text `Linux version …` in an `Image`.
    pub fn uname(mut self, version: impl Into<String>) -> Self {
        self.uname = Some(version.into());
        self
    }

    /// Checks the parts and gives them their places. It reads the kernel to its end.
    ///
    /// # Errors
    /// [`Error::Text`] for a text that cannot stand in a UKI, [`Error::Program`] for a kernel that
    /// is no EFI program for this processor, [`Error::Stub`] if the stub has no room,
    /// [`Error::TooLarge`] if the UKI would have more than 4 GiB, [`Error::Core`] or [`Error::Io`]
    /// if the kernel cannot be read, or has other bytes than its digest says.
    pub async fn build(self) -> Result<Uki, Error> {
        let path = PathBuf::from(self.kernel.file_name().as_str());
        let (mut kernel, context) = (KernelReader::default(), Context::new());
        let mut whole = WholeArtifact::open(self.kernel.as_ref(), &context).await?;
        while let Some(bytes) = whole.next().await? {
            kernel.update(bytes);
        }
        let kernel = kernel
            .finish(self.stub.architecture())
            .map_err(|problem| Error::Program { path, problem })?;
        let texts = [
            (".osrel", self.os_release, true),
            (".cmdline", Some(self.command_line), false),
            (".uname", self.uname.or(kernel.release), false),
        ];
        let mut parts = Vec::new();
        for (name, text, has_lines) in texts {
            if let Some(text) = text {
                text::check(name, &text, has_lines)?;
                parts.push(Part::text(name, text));
            }
        }
        parts.push(Part::files(Part::KERNEL, vec![self.kernel]));
        if !self.initrds.is_empty() {
            parts.push(Part::files(Part::INITRD, self.initrds));
        }
        Assembly::new(self.stub.0, parts, kernel.is_nx).map(Uki)
    }
}
