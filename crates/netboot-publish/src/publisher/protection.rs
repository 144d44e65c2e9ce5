//! Keeping the signature and the best-before date of a pointer when another one replaces it.

use crate::error::Error;
use crate::pointer::PointerContent;
use crate::pointer::loss::PointerLoss;
use crate::pointer::problem::PointerProblem;
use crate::publisher::Publisher;
use crate::publisher::inventory::pointer_state::PointerState;

impl Publisher {
    /// Fails if a pointer of this publisher would have less protection than the one that `base`
    /// saw.
    pub(crate) fn require_protection(&self, base: &PointerState) -> Result<(), Error> {
        match self.loss(base) {
            Some(loss) => Err(Error::LessProtection { pointer: self.pointer.clone(), loss }),
            None => Ok(()),
        }
    }

    /// Fails if this publisher cannot or may not replace the pointer that `base` saw.
    pub(crate) fn require_sealable(&self, base: &PointerState) -> Result<(), Error> {
        if !self.signing.can_seal() {
            return Err(Error::NoPointerSigner { pointer: self.pointer.clone() });
        }
        self.require_protection(base)
    }

    /// The protection that the pointer in `base` would lose.
    fn loss(&self, base: &PointerState) -> Option<PointerLoss> {
        // Whoever put an older pointer back did not make it: its date says what readers expect.
        let (PointerContent::Pointer(there)
        | PointerContent::Untrusted {
            pointer: there,
            problem: PointerProblem::RolledBack { .. } | PointerProblem::SameCounter { .. },
        }) = base.content.as_ref()?
        else {
            return None;
        };
        let allowed = self.allowed_losses;
        if self.signing.pointer_keys().is_none() {
            // Readers trust only a signed date, so the pointer loses its date with its signature.
            return (there.is_signed() && !allowed.signature).then_some(PointerLoss::Signature);
        }
        let loses_date = there.best_before().is_some() && self.pointer_lifetime.is_none();
        (loses_date && !allowed.best_before).then_some(PointerLoss::BestBefore)
    }

    /// Returns true if this publisher cannot write the pointer that `base` saw again without
    /// taking its signature away.
    pub(crate) fn would_unsign(&self, base: &PointerState) -> bool {
        self.loss(base) == Some(PointerLoss::Signature)
    }
}
