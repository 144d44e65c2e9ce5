//! Finding out before a build whether its release could be published.

use netboot_core::{Context, Release, Sha256Digest, layout};

use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::uploads::upload;

impl Publisher {
    /// Checks that a release with the entry points of `draft` could go live here, before anybody
    /// builds its images. The images of `draft` may be stand-ins: nothing of them is sent.
    ///
    /// To find out whether the target can be written, this sends the text of an entry point to its
    /// place among the blobs. Every release needs it, and [`prune`](Self::prune) removes it if no
    /// release follows.
    ///
    /// # Errors
    /// [`Error::ForeignFile`], [`Error::LinksUnsupported`], [`Error::UntrustedPointer`],
    /// [`Error::MalformedPointer`], [`Error::NoPointerSigner`] and
    /// [`Error::LessProtection`], as [`publish`](Self::publish) would fail; if the target cannot be
    /// reached, read or written;
    /// [`Error::Cancelled`].
    pub async fn rehearse(&self, draft: &Release, context: &Context) -> Result<(), Error> {
        context.check()?;
        let base = self.read_pointer().await?;
        self.places.require_writable(self.store.as_ref(), draft.manifest(), &base).await?;
        self.require_sealable(&base)?;
        let Some(text) = draft.entry_points().get(&layout::boot_script()) else { return Ok(()) };
        let blob = upload(layout::blob(&Sha256Digest::of(text)), text.clone())?;
        self.store.send(vec![blob], context).await
    }
}
