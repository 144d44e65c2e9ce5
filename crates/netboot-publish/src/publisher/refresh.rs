//! Counters and best-before dates of pointers.

use netboot_core::{Context, Phase, ReleaseId};

use crate::error::Error;
use crate::pointer::Pointer;
use crate::pointer::activation::seconds;
use crate::pointer::problem::PointerProblem;
use crate::pointer::stamp::Stamp;
use crate::publisher::Publisher;
use crate::publisher::inventory::pointer_state::PointerState;

impl Publisher {
    /// Writes the live pointer again with a new best-before date
    /// ([`with_pointer_lifetime`](Self::with_pointer_lifetime)) and new signatures. The live
    /// release and the history stay. Returns the live release, or `None` if there is no pointer.
    ///
    /// Call this more often than the lifetime of pointers, for example from a timer. It also signs
    /// with the publisher's signers of now, after a key was replaced.
    ///
    /// # Errors
    /// [`Error::UntrustedPointer`] for a pointer that cannot be trusted; a pointer whose date has
    /// passed is renewed. [`Error::NotStaged`] or [`Error::Signature`] if the live release is not
    /// trusted; [`Error::LessProtection`]; [`Error::NoPointerSigner`];
    /// [`Error::Conflict`] if the pointer changes meanwhile;
    /// [`Error::MalformedPointer`]; [`Error::Cancelled`]; the errors of the signers; if the target
    /// cannot be read or written.
    pub async fn refresh(&self, context: &Context) -> Result<Option<ReleaseId>, Error> {
        let _phase = context.phase(Phase::Activating, None);
        context.check()?;
        let _lock = self.store.lock(context).await?;
        let base = self.read_pointer().await?;
        base.trusted()?;
        let (Some(there), Some(live)) = (base.pointer(), base.live()) else { return Ok(None) };
        match self.problem_of_live(&base).await? {
            None | Some(PointerProblem::Expired { .. }) => {}
            Some(problem) => return Err(base.refusal(problem)),
        }
        self.require_protection(&base)?;
        self.read_trusted_manifest(&live).await?;
        let mut pointer = there.clone();
        self.seal(&mut pointer, &base).await?;
        self.swap(&pointer, &base, false, &[]).await?;
        self.remember(&pointer).await;
        Ok(Some(live))
    }

    /// Returns the pointer that `base` saw, or its renewed form if another publisher gave it a new
    /// date since. That is no conflict: the live release and the history are the same.
    pub(crate) async fn renewed(&self, base: &PointerState) -> Result<PointerState, Error> {
        let has_date = |pointer: &&Pointer| pointer.best_before().is_some();
        if let Some(pointer) = base.pointer().filter(has_date) {
            let now = self.read_pointer().await?;
            let is_same =
                |now: &Pointer| now.history == pointer.history && now.script == pointer.script;
            if now.pointer().is_some_and(is_same) {
                return Ok(now);
            }
        }
        Ok(base.clone())
    }

    /// Returns true if a pointer need not be written again for its best-before date.
    pub(crate) fn is_fresh(&self, pointer: &Pointer) -> bool {
        let Some(lifetime) = self.pointer_lifetime else {
            // This publisher gives no dates. It still renews a date that has passed.
            return self.pointer_trust().expired(pointer).is_none();
        };
        let half = seconds(self.clock.now()).saturating_add(lifetime.as_secs() / 2);
        pointer.best_before().is_some_and(|date| date >= half)
    }

    /// Gives a pointer that replaces `base` its counter, name, date and signatures.
    pub(crate) async fn seal(
        &self,
        pointer: &mut Pointer,
        base: &PointerState,
    ) -> Result<(), Error> {
        self.require_protection(base)?;
        self.seal_until(pointer, base, self.new_date()).await
    }

    /// Does the work of [`seal`](Self::seal) for a pointer that makes the same release live as
    /// `base`. Without a lifetime of pointers, the date stays.
    pub(crate) async fn seal_again(
        &self,
        pointer: &mut Pointer,
        base: &PointerState,
    ) -> Result<(), Error> {
        let date = base.pointer().and_then(Pointer::best_before);
        self.seal_until(pointer, base, self.new_date().or(date)).await
    }

    fn new_date(&self) -> Option<u64> {
        let now = seconds(self.clock.now());
        self.pointer_lifetime.map(|lifetime| now.saturating_add(lifetime.as_secs()))
    }

    async fn seal_until(
        &self,
        pointer: &mut Pointer,
        base: &PointerState,
        best_before: Option<u64>,
    ) -> Result<(), Error> {
        let now = seconds(self.clock.now());
        let stamp = Stamp {
            // Someone may remember a pointer that this publisher does not know. Starting from the
            // clock, the counter is very likely higher than that pointer's.
            counter: base.counter().map_or(now, |counter| counter.saturating_add(1)),
            name: self.pointer.clone(),
            best_before,
        };
        self.signing.seal(pointer, stamp).await
    }
}
