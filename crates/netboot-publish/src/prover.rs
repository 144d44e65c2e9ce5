//! The trait that callers implement to boot a release before it goes live.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use netboot_core::{Context, ImageManifest, ProfileName, ReleaseId, ReleasePath, Report, layout};

use crate::error::Error;
use crate::proof::Verdict;
use crate::store::Store;

/// An image of a staged release, with everything that a prover needs to boot it.
#[derive(Debug, Clone)]
pub struct StagedImage {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) release: ReleaseId,
    pub(crate) profile: ProfileName,
    pub(crate) image: ImageManifest,
}

impl StagedImage {
    /// The store that has the image. If no web server that a test machine reaches serves the store,
    /// a prover can serve it itself, from [`Store::open`].
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The release.
    pub fn release(&self) -> &ReleaseId {
        &self.release
    }

    /// The profile.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    /// The image's boot parameters and files.
    pub fn image(&self) -> &ImageManifest {
        &self.image
    }

    /// The path of the script that boots the image: `releases/<id>/<profile>/netboot.ipxe`.
    pub fn script(&self) -> ReleasePath {
        layout::in_release(&self.release, &layout::profile_script(&self.profile))
    }
}

/// Boots staged images, in a virtual machine or on test hardware, and tells whether they come up.
///
/// [`Publisher::publish_proven`](crate::Publisher::publish_proven) asks a prover before it makes a
/// release live. `netboot_qemu::QemuProver` boots in QEMU.
///
/// # Contract
/// `prove` changes nothing at the target. It ends soon after the caller cancels the context or
/// drops the future, and leaves no process behind. An image that does not come up is a
/// [`Verdict`]; an error says that the prover could not try the image.
///
/// The machine boots the production scripts, which may name the production service for reports, and
/// the image may join a cluster. So the machine must reach the staged files and nothing else, and
/// must not look like a machine of the site. `netboot_qemu::Machine` does both by default.
///
/// ```
/// use netboot_core::Context;
/// use netboot_publish::{
///     Error, FailedProof, MemoryStore, Proof, Prover, Publisher, StagedImage, Verdict,
///     async_trait,
/// };
/// # use netboot_publish::contract::sample_release;
///
/// /// Accepts an image if its kernel has a console on the serial port. A real prover boots
/// /// `image.script()`.
/// #[derive(Debug)]
/// struct HasSerialConsole;
///
/// #[async_trait]
/// impl Prover for HasSerialConsole {
///     async fn prove(&self, image: &StagedImage, context: &Context) -> Result<Verdict, Error> {
///         context.check()?;
///         let parameters = image.image().boot.kernel_parameters();
///         let has_console = parameters.iter().any(|one| one.as_str().starts_with("console=ttyS"));
///         Ok(if has_console {
///             Verdict::CameUp(Proof::new("it talks on its serial port", ""))
///         } else {
///             Verdict::Failed(FailedProof::new("it has no serial console", ""))
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let release = sample_release("one");
/// let publisher = Publisher::new(MemoryStore::new());
/// let published = publisher.publish_proven(&release, &HasSerialConsole, &Context::new()).await;
/// # let is_live = publisher.live().await?.is_some();
/// assert_eq!(published.is_ok(), is_live); // what did not come up is staged, and not live
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Prover: fmt::Debug + Send + Sync {
    /// Returns true if the prover can try the image. A prover may lack a machine of the image's
    /// architecture. The report lists the images that were not tried.
    fn tries(&self, image: &StagedImage) -> bool {
        let _ = image;
        true
    }

    /// Boots the image.
    ///
    /// # Errors
    /// If the prover cannot try the image: [`Error::prover`] makes the error. Also
    /// [`Error::Cancelled`].
    async fn prove(&self, image: &StagedImage, context: &Context) -> Result<Verdict, Error>;
}

impl Error {
    /// Wraps the error of a [`Prover`] that could not try an image, as [`Error::store`] does.
    pub fn prover(image: &StagedImage, source: impl Into<Report>) -> Self {
        let (source, advice) = source.into().into_parts();
        Self::Prover { release: *image.release(), advice, source }
    }
}
