//! The pointer as it was at one moment.

use std::time::Duration;

use netboot_core::{PointerName, ReleaseId, ReleasePath, layout};

use crate::error::Error;
use crate::pointer::activation::Activation;
use crate::pointer::problem::PointerProblem;
use crate::pointer::trust::PointerTrust;
use crate::pointer::{Pointer, PointerContent};
use crate::pointer_memory::KnownPointer;
use crate::store::{Document, Entry, Question, Store, Version};

/// The pointer as it was at one moment.
#[derive(Debug, Clone)]
pub(crate) struct PointerState {
    pub(crate) path: ReleasePath,
    /// The version that a swap has to expect; `None` if there is no file.
    pub(crate) version: Option<Version>,
    pub(crate) content: Option<PointerContent>,
    /// The newest pointer that was known before this one was read, if pointers are checked.
    pub(crate) known: Option<KnownPointer>,
}

/// The number of times that a pointer is read if it cannot be understood, and the pause between.
const READS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);

/// Reads the pointer at `path`. A server that does not replace objects atomically may give a part
/// of the new pointer, so a pointer that cannot be understood is read again. `first` is the pointer
/// if it was read already.
async fn read_whole(
    store: &dyn Store,
    path: &ReleasePath,
    mut first: Option<Document>,
) -> Result<Option<(Document, PointerContent)>, Error> {
    let mut reads = 1;
    loop {
        let read = match first.take() {
            Some(document) => Some(document),
            None => store.read(path).await?,
        };
        let Some(document) = read else { return Ok(None) };
        let content = Pointer::parse(&document.bytes);
        let is_cut = matches!(content, PointerContent::Malformed { without_history: false, .. });
        if !is_cut || reads == READS {
            return Ok(Some((document, content)));
        }
        reads += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

impl PointerState {
    /// Reads a pointer, and checks if it can be trusted. A link or a directory in its place is
    /// foreign, wherever it leads.
    pub(crate) async fn read(
        store: &dyn Store,
        name: &PointerName,
        trust: &PointerTrust,
    ) -> Result<Self, Error> {
        let place = trust.place(store).await?;
        let known = trust.recall(&place, name).await?;
        let mut state = Self { path: layout::pointer(name), version: None, content: None, known };
        let question = Question::default().with_documents([state.path.clone()]);
        let mut answer = store.look(&question).await?;
        let first = answer.documents.remove(&state.path);
        match answer.entries.get(&state.path) {
            None => {}
            Some(Entry::Link { .. } | Entry::Other) => {
                state.content = Some(PointerContent::Foreign);
            }
            Some(Entry::Object { .. }) => {
                if let Some((document, content)) = read_whole(store, &state.path, first).await? {
                    state.version = Some(document.version);
                    let known = state.known.as_ref();
                    state.content = Some(trust.admit(&place, name, content, known).await);
                }
            }
        }
        Ok(state)
    }

    /// Returns the pointer if netboot wrote it, and it can be understood and trusted.
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

    /// The greatest counter that is known here.
    pub(crate) fn counter(&self) -> Option<u64> {
        let known = self.known.as_ref().map(|known| known.counter);
        known.max(self.pointer().and_then(Pointer::counter))
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

    /// Fails if netboot wrote the pointer and it cannot be understood, or cannot be trusted.
    pub(crate) fn trusted(&self) -> Result<(), Error> {
        match &self.content {
            Some(PointerContent::Untrusted { problem, .. }) => Err(self.refusal(problem.clone())),
            _ => self.understood(),
        }
    }

    /// The error that says why the pointer is not trusted.
    pub(crate) fn refusal(&self, problem: PointerProblem) -> Error {
        Error::UntrustedPointer { path: self.path.clone(), problem }
    }
}
