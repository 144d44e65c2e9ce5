//! Booting a release before it goes live: what a caller provides for that.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use netboot_core::{
    BackendError, Context, ImageManifest, ProfileName, ReleaseId, ReleasePath, layout,
};

use crate::error::Error;
use crate::proof::Verdict;
use crate::store::Store;

/// An image of a release that is staged and perhaps not live: all that is needed to boot it from
/// where it lies.
#[derive(Debug, Clone)]
pub struct StagedImage {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) release: ReleaseId,
    pub(crate) profile: ProfileName,
    pub(crate) image: ImageManifest,
}

impl StagedImage {
    /// The store that it lies in. Where that is served by nobody whom a test machine reaches, a
    /// prover can serve it itself, from [`Store::open`].
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

    /// How the image starts, and what it consists of.
    pub fn image(&self) -> &ImageManifest {
        &self.image
    }

    /// The script that boots it, below the target's root: `releases/<id>/<profile>/netboot.ipxe`.
    pub fn script(&self) -> ReleasePath {
        layout::in_release(&self.release, &layout::profile_script(&self.profile))
    }
}

/// Finds out whether a staged image comes up: in a virtual machine, or on a rack kept for that.
///
/// [`Publisher::publish_proven`](crate::Publisher::publish_proven) asks it before it makes a
/// release live. The examples have one that boots in QEMU.
///
/// # Contract
/// `prove` changes nothing at the target. It ends soon when the context is cancelled or its future
/// is dropped, and nothing that it started goes on after it. That an image does not come up is a
/// [`Verdict`], not an error; an error says that it could not be tried.
///
/// ```
/// use async_trait::async_trait;
/// use netboot_core::Context;
/// use netboot_publish::{
///     Error, FailedProof, MemoryStore, Proof, Prover, Publisher, StagedImage, Verdict,
/// };
/// # use netboot_publish::contract::sample_release;
///
/// /// Takes an image for good if its kernel has a console on the serial port; a real prover boots
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
    /// Whether the image has to come up. One of an architecture that there is no machine for
    /// cannot be asked to; the report tells which were not tried.
    fn tries(&self, image: &StagedImage) -> bool {
        let _ = image;
        true
    }

    /// Boots the image.
    ///
    /// # Errors
    /// When it could not be tried: [`Error::prover`] makes one. [`Error::Cancelled`].
    async fn prove(&self, image: &StagedImage, context: &Context) -> Result<Verdict, Error>;
}

impl Error {
    /// Wraps the error of a [`Prover`] that could not boot an image.
    pub fn prover(image: &StagedImage, source: impl BackendError) -> Self {
        let (release, hint) = (*image.release(), source.hint());
        Self::Prover { release, hint, source: Box::new(source) }
    }
}
