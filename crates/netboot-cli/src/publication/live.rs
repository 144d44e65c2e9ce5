//! The live release that a publication builds upon.

use netboot_core::ReleaseId;
use netboot_publish::{Error, PointerProblem, Publisher};

use super::Publication;

impl Publication {
    /// The live release of a target. Nothing stays of a pointer that is replaced because nobody
    /// trusts it. A pointer that is only too old is trusted: the publication renews it.
    pub(crate) async fn live(&self, publisher: &Publisher) -> Result<Option<ReleaseId>, Error> {
        match publisher.live().await {
            Err(Error::UntrustedPointer { problem: PointerProblem::Expired { .. }, .. }) => {
                let history = publisher.history().await?;
                Ok(history.iter().find(|entry| entry.live).map(|entry| entry.release))
            }
            Err(Error::UntrustedPointer { problem, .. })
                if self.replaces_untrusted && problem != PointerProblem::OtherScript =>
            {
                Ok(None)
            }
            live => live,
        }
    }
}
