//! Keeping both activations of a race in the history, for stores that cannot compare and swap.

use std::time::Duration;

use netboot_core::{Context, Event};

use crate::error::Error;
use crate::pointer::Pointer;
use crate::pointer::activation::Activation;
use crate::publisher::Publisher;

/// The number of times that a publisher checks that its activation is in the history.
const LOOKS: u32 = 3;
/// The longest pause before a check.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

impl Publisher {
    /// Waits as long as another publisher may need for its swap (twice `took`, the time that this
    /// publisher's swap took) and then reads the pointer. If another publisher replaced it without
    /// knowing this activation, adds the activation to that history, after the other one. The
    /// other publisher's release stays live.
    ///
    /// This makes the loss of an activation less likely, but cannot prevent it.
    pub(crate) async fn settle(
        &self,
        activation: &Activation,
        took: Duration,
        context: &Context,
    ) -> Result<(), Error> {
        for _ in 0..LOOKS {
            tokio::time::sleep((took * 2).min(LONGEST_PAUSE)).await;
            let now = self.read_pointer().await?;
            // A missing, foreign or untrusted pointer has no history to add to.
            let Some(there) = now.pointer() else { return Ok(()) };
            if there.history.contains(activation) || self.would_unsign(&now) {
                return Ok(());
            }
            let live = there.live().map(|live| live.to_string()).unwrap_or_default();
            context.emit(Event::Warning {
                profile: None,
                message: format!(
                    "another publisher made release {live} live at {} at the same moment",
                    self.store
                ),
                hint: Some("activate the release that you want to be live".to_owned()),
            });
            let mut both = there.with_older(activation.clone());
            self.seal_again(&mut both, &now).await?;
            // The next check sees whether the addition stays.
            self.store.swap(&now.path, now.version.as_ref(), both.to_bytes()).await?;
        }
        Ok(())
    }
}

impl Pointer {
    /// Adds an activation right after the one that made the live release live.
    fn with_older(&self, activation: Activation) -> Self {
        let mut both = self.clone();
        both.history.insert(1.min(both.history.len()), activation);
        both
    }
}
