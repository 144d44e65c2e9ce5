//! The questions that publishing asks a store: as few as possible, and enough to find what is
//! missing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use netboot_core::{Context, PointerName, ReleasePath, layout};
use netboot_publish::contract::sample_release;
use netboot_publish::{
    Document, Entry, Error, ListScope, Listed, MemoryStore, Outcome, Publisher, Store, StoreLayer,
};

use crate::faulty::{Faults, Faulty};
use crate::patience::at_best;

#[tokio::test]
async fn a_live_release_is_looked_at_once() {
    let store = Faulty::new(Faults::default());
    let asked = store.faults.asked.clone();
    let (publisher, context) = (Publisher::new(store), Context::new());
    let release = sample_release("one");
    let first = publisher.publish(&release, &context).await.unwrap();
    assert_eq!(first.outcome, Outcome::Activated);

    asked.store(0, Ordering::SeqCst);
    let again = publisher.publish(&release, &context).await.unwrap();
    // At once: the entries of all objects, and the texts of the pointer, the manifest, and the
    // entry points.
    let texts = 2 + release.manifest().entry_points().len();
    assert_eq!(asked.load(Ordering::SeqCst), 1 + texts);
    assert_eq!((again.outcome, again.previous), (Outcome::Unchanged, Some(*release.id())));
    let (staged, first) = (again.staged.unwrap(), first.staged.unwrap());
    // Nothing promises the build logs.
    let logs = release.logs().values();
    let (sent, sent_bytes) =
        (first.sent - logs.len(), first.sent_bytes - logs.map(|log| log.size()).sum::<u64>());
    assert_eq!((staged.sent, staged.present), (0, sent));
    assert_eq!((staged.sent_bytes, staged.present_bytes), (0, sent_bytes));
}

#[tokio::test]
async fn what_a_live_release_lacks_is_sent_whatever_it_is() {
    let store = Faulty::new(Faults::default());
    let memory = store.inner.clone();
    let (publisher, context) = (Publisher::new(store), Context::new());
    let release = sample_release("one");
    publisher.publish(&release, &context).await.unwrap();
    let manifest = release.manifest();
    let places = manifest.objects().into_keys().chain(manifest.entry_points().keys().cloned());
    let places: Vec<ReleasePath> = places.collect();
    assert!(places.len() > 5, "{places:?}");
    for place in places {
        let path = std::slice::from_ref(&place);
        memory.delete(path, &context).await.unwrap();
        let receipt = publisher.publish(&release, &context).await.unwrap();
        assert_eq!(memory.stat(path).await.unwrap().len(), 1, "{place} is missing");
        let staged = receipt.staged.unwrap();
        assert_eq!(staged.sent + receipt.entry_points.len(), 1, "{place}");
    }
    assert_eq!(publisher.live().await.unwrap(), Some(*release.id()));
}

/// Records each question that a publisher asks of a store.
#[derive(Debug, Default)]
struct Recording {
    inner: MemoryStore,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Recording {
    fn record(&self, question: String) {
        self.asked.lock().unwrap().push(question);
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("a store that records what it is asked")
    }
}

#[async_trait]
impl StoreLayer for Recording {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        self.record("stat".to_owned());
        self.inner.stat(paths).await
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        self.record("list".to_owned());
        self.inner.list(scope).await
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        self.record(format!("read {path}"));
        self.inner.read(path).await
    }
}

#[tokio::test]
async fn a_first_publish_asks_only_what_its_locks_need() {
    let release = sample_release("one");
    // One question at the beginning, and one under each of the two locks: the entries of everything
    // and, at the same time, the pointer, the manifest and the entry points.
    let mut question = vec!["stat".to_owned()];
    let manifest = layout::in_release(release.id(), &layout::manifest());
    let pointer = layout::pointer(&PointerName::default());
    let documents = release.manifest().entry_points().keys().chain([&manifest, &pointer]);
    question.extend(documents.map(|path| format!("read {path}")));
    let mut expected: Vec<String> = std::iter::repeat_n(question, 3).flatten().collect();
    expected.sort();
    let publish = async || {
        let store = Recording::default();
        let asked = store.asked.clone();
        Publisher::new(store).publish(&release, &Context::new()).await.unwrap();
        let mut asked = asked.lock().unwrap().clone();
        asked.sort();
        asked
    };
    at_best(publish, |asked| *asked == expected).await;
}
