//! Publishers with a view of their target.

use std::sync::Arc;
use std::time::Instant;

use crate::publisher::Publisher;
use crate::publisher::sight::Sight;
use crate::store::Question;

impl Publisher {
    /// Returns this publisher with a view of its target that asks for everything in `question` at
    /// once.
    pub(crate) fn seeing(&self, question: Question) -> Self {
        let inner = self.sight.as_ref().map_or(&self.store, |sight| sight.store()).clone();
        let sight = Arc::new(Sight::new(inner, question));
        Self { store: sight.clone(), sight: Some(sight), ..self.clone() }
    }

    /// Asks the target again before the next answer.
    pub(crate) async fn forget_view(&self) {
        if let Some(sight) = &self.sight {
            sight.forget().await;
        }
    }

    /// The moment when the target was asked for what is known of it now; this moment if nothing is
    /// known.
    pub(crate) async fn view_began(&self) -> Instant {
        match &self.sight {
            Some(sight) => sight.began().await,
            None => Instant::now(),
        }
    }

    /// Asks the target again before the next answer, unless the last one was given just now.
    pub(crate) async fn forget_old_view(&self) {
        if let Some(sight) = &self.sight {
            sight.forget_unless_recent().await;
        }
    }
}
