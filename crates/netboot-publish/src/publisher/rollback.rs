//! Making an earlier release the live one again.

use netboot_core::{Context, ReleaseId};

use crate::error::Error;
use crate::pointer::Pointer;
use crate::pointer::activation::ActivationKind;
use crate::publisher::Publisher;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::receipt::Receipt;

/// The release to roll back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RollbackTo {
    /// The release that was live before the live one. Another rollback goes one release further:
    /// a release that was rolled back counts as if it had never been live.
    Previous,
    /// This release, even if it was never live.
    Release(ReleaseId),
}

impl Publisher {
    /// Makes a release the live one again. After a time limit of the caller's, it may be live, as
    /// after [`publish`](Self::publish). [`RollbackTo::Previous`] would then go one release
    /// further, so name the release, or ask [`live`](Self::live) first.
    ///
    /// # Errors
    /// [`Error::NothingToRollBackTo`]; [`Error::NotStaged`] or [`Error::NotWhole`] if the release
    /// was pruned; the errors of [`activate`](Self::activate).
    pub async fn rollback(&self, to: RollbackTo, context: &Context) -> Result<Receipt, Error> {
        let base = self.read_pointer().await?;
        base.understood()?;
        self.places.require_trusted(&base)?;
        let release = match to {
            RollbackTo::Release(release) => release,
            RollbackTo::Previous => self.before(&base)?,
        };
        self.make_live(&release, &base, ActivationKind::RolledBack, context).await
    }

    /// The release that was live before the live one.
    pub(crate) async fn earlier_release(&self) -> Result<ReleaseId, Error> {
        let base = self.read_pointer().await?;
        base.understood()?;
        self.places.require_trusted(&base)?;
        self.before(&base)
    }

    fn before(&self, base: &PointerState) -> Result<ReleaseId, Error> {
        let earlier = base.pointer().and_then(Pointer::previous);
        earlier.ok_or_else(|| Error::NothingToRollBackTo { pointer: self.pointer.clone() })
    }
}
