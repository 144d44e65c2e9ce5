//! The pointer and the keys of a command, which publishers get.

use std::sync::Arc;

use netboot_core::PointerName;
use netboot_publish::{MinisignKey, PointerMemory, PublicUrl, Publisher, TrustedKeys};

use crate::pointer_lifetime::PointerLifetime;

/// The pointer and the trusted keys of a command that reads targets.
#[derive(Debug, Clone)]
pub(crate) struct ReaderSettings {
    pub(crate) pointer: PointerName,
    pub(crate) trusted_keys: Option<TrustedKeys>,
    pub(crate) memory: Option<Arc<dyn PointerMemory>>,
}

/// The pointer and the keys of a command that changes targets. They are the same at every target.
#[derive(Debug, Clone)]
pub(crate) struct PublisherSettings {
    pub(crate) reader: ReaderSettings,
    pub(crate) signers: Vec<Arc<MinisignKey>>,
    pub(crate) pointer_lifetime: Option<PointerLifetime>,
    /// True if the new pointer may be unsigned where the old one is signed.
    pub(crate) unsigned: bool,
    pub(crate) replace_untrusted: bool,
    pub(crate) replace_foreign: bool,
}

impl ReaderSettings {
    /// Gives a publisher the pointer and the trusted keys.
    pub(crate) fn apply(&self, publisher: Publisher) -> Publisher {
        let Ok(mut publisher) = publisher.with_pointer(self.pointer.clone());
        if let Some(keys) = &self.trusted_keys {
            publisher = publisher.with_trusted_keys(keys.clone());
        }
        if let Some(memory) = &self.memory {
            publisher = publisher.with_pointer_memory(memory.clone());
        }
        publisher
    }

    /// Gives a URL the pointer and the trusted keys.
    pub(crate) fn apply_to_url(&self, url: PublicUrl) -> PublicUrl {
        let Ok(mut url) = url.with_pointer(self.pointer.clone());
        if let Some(keys) = &self.trusted_keys {
            url = url.with_trusted_keys(keys.clone());
        }
        if let Some(memory) = &self.memory {
            url = url.with_pointer_memory(memory.clone());
        }
        url
    }
}

impl PublisherSettings {
    /// The settings of a command to which no pointer matters.
    pub(crate) fn of_keys(
        trusted_keys: Option<TrustedKeys>,
        signers: Vec<Arc<MinisignKey>>,
    ) -> Self {
        let pointer = PointerName::default();
        Self {
            reader: ReaderSettings { pointer, trusted_keys, memory: None },
            signers,
            pointer_lifetime: None,
            unsigned: false,
            replace_untrusted: false,
            replace_foreign: false,
        }
    }

    /// The part that commands which read a target use.
    pub(crate) fn reader(&self) -> &ReaderSettings {
        &self.reader
    }

    /// The pointer.
    pub(crate) fn pointer(&self) -> &PointerName {
        &self.reader.pointer
    }

    /// Gives a publisher the pointer and the keys.
    pub(crate) fn apply(&self, publisher: Publisher) -> Publisher {
        let mut publisher = self.reader.apply(publisher);
        if self.replace_untrusted {
            publisher = publisher.with_replace_untrusted(true);
        }
        if self.replace_foreign {
            publisher = publisher.with_replace_foreign(true);
        }
        if self.unsigned {
            publisher = publisher.with_unsigned_pointers(true);
        }
        for signer in &self.signers {
            publisher = publisher.with_signer(signer.clone());
        }
        match self.pointer_lifetime {
            None => publisher,
            Some(PointerLifetime::Endless) => publisher.without_pointer_lifetime(),
            Some(PointerLifetime::Limited(time)) => publisher.with_pointer_lifetime(time),
        }
    }
}
