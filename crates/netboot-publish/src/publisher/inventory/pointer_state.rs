//! The pointer as it was at one moment.

use netboot_core::{ReleaseId, ReleasePath};

use crate::error::Error;
use crate::pointer::{Activation, Pointer, PointerContent};
use crate::store::{Entry, Store, Version};

/// The pointer as it was at one moment.
#[derive(Debug, Clone)]
pub(crate) struct PointerState {
    pub(crate) path: ReleasePath,
    /// The version that a swap has to expect; `None` if there is no file.
    pub(crate) version: Option<Version>,
    pub(crate) content: Option<PointerContent>,
}

impl PointerState {
    /// Reads the pointer at `path`. A link or a directory in its place is foreign, wherever it
    /// leads.
    pub(crate) async fn read(store: &dyn Store, path: ReleasePath) -> Result<Self, Error> {
        let mut state = Self { path, version: None, content: None };
        let found = store.stat(std::slice::from_ref(&state.path)).await?;
        match found.get(&state.path) {
            None => {}
            Some(Entry::Link { .. } | Entry::Other) => {
                state.content = Some(PointerContent::Foreign);
            }
            Some(Entry::Object { .. }) => {
                if let Some(document) = store.read(&state.path).await? {
                    state.version = Some(document.version);
                    state.content = Some(Pointer::parse(&document.bytes));
                }
            }
        }
        Ok(state)
    }

    /// Returns the pointer if netboot wrote it and it can be understood.
    pub(crate) fn pointer(&self) -> Option<&Pointer> {
        match &self.content {
            Some(PointerContent::Pointer(pointer)) => Some(pointer),
            _ => None,
        }
    }

    pub(crate) fn live(&self) -> Option<ReleaseId> {
        self.pointer().and_then(Pointer::live)
    }

    pub(crate) fn history(&self) -> &[Activation] {
        self.pointer().map_or(&[], |pointer| &pointer.history)
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.content == Some(PointerContent::Foreign)
    }

    /// Fails if netboot wrote the pointer and it cannot be understood.
    pub(crate) fn understood(&self) -> Result<(), Error> {
        match &self.content {
            Some(PointerContent::Malformed { problem, .. }) => {
                let (path, problem) = (self.path.clone(), problem.clone());
                Err(Error::MalformedPointer { path, problem })
            }
            _ => Ok(()),
        }
    }
}
