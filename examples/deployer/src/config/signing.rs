//! The keys of this service, and its memory of pointers.

use std::sync::Arc;
use std::time::Duration;

use netboot_cli::configuration::SigningKeys;
use netboot_publish::{PointerMemory, Publisher};

/// The keys of this service. With them, machines get an image only from a release that enough
/// trusted keys signed, and only while a trusted pointer names it.
#[derive(Debug, Clone)]
pub(crate) struct Signing(SigningKeys);

impl Signing {
    pub(super) fn new(keys: SigningKeys) -> Self {
        Self(keys)
    }

    /// Gives a publisher the keys.
    pub(crate) fn apply(&self, publisher: Publisher, memory: Option<&Memory>) -> Publisher {
        let publisher = self.0.apply(publisher);
        match memory {
            Some(memory) => publisher.with_pointer_memory(memory.clone()),
            None => publisher,
        }
    }

    /// True if this service replaces pointers that it cannot trust.
    pub(crate) fn replaces_untrusted(&self) -> bool {
        self.0.replaces_untrusted()
    }

    /// The interval at which pointers are renewed; `None` if this service does not.
    pub(crate) fn renewal(&self) -> Option<Duration> {
        self.0.signer()?;
        Some(self.0.pointer_lifetime()? / 4)
    }
}

/// The memory of pointers that all publishers share.
pub(crate) type Memory = Arc<dyn PointerMemory>;
