//! Where the store cannot compare and swap: seeing to it that a race leaves both in the history.

use std::time::Duration;

use netboot_core::{Context, Event};

use crate::error::Error;
use crate::pointer::{Activation, Pointer};
use crate::publisher::Publisher;

/// How often a publisher looks whether its activation is in the history.
const LOOKS: u32 = 3;
/// The longest pause before a look.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

impl Publisher {
    /// Waits until another publisher that looked before this one's swap, which took `took`, has
    /// done its own, and then looks: if the pointer is the other's, and knows nothing of this
    /// activation, it is put into that history, behind the other's. What is live stays so.
    ///
    /// It narrows the moment in which an activation is lost, and cannot close it.
    pub(crate) async fn settle(
        &self,
        activation: &Activation,
        took: Duration,
        context: &Context,
    ) -> Result<(), Error> {
        for _ in 0..LOOKS {
            tokio::time::sleep((took * 2).min(LONGEST_PAUSE)).await;
            let now = self.read_pointer().await?;
            // A pointer that is gone or somebody else's has no history to be in.
            let Some(there) = now.pointer() else { return Ok(()) };
            if there.history.contains(activation) {
                return Ok(());
            }
            let live = there.live().map(|live| live.to_string()).unwrap_or_default();
            context.emit(Event::Warning {
                profile: None,
                message: format!(
                    "another publisher made release {live} live at {} at the same moment",
                    self.store
                ),
                hint: Some("activate the one that you want to be live".to_owned()),
            });
            let both = there.with_older(activation.clone()).to_bytes();
            // Whether it stays is seen by the next look.
            self.store.swap(&now.path, now.version.as_ref(), both).await?;
        }
        Ok(())
    }
}

impl Pointer {
    /// The same with one more activation, right behind the one that made the live release live.
    fn with_older(&self, activation: Activation) -> Self {
        let mut both = self.clone();
        both.history.insert(1.min(both.history.len()), activation);
        both
    }
}
