//! A page that shows a history reads only the entries that it shows.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use netboot_core::{Context, ReleasePath};
use netboot_publish::contract::sample_release;
use netboot_publish::{Document, Error, MemoryStore, Publisher, Store, StoreLayer, async_trait};

/// Counts the manifests that are read.
#[derive(Debug, Clone, Default)]
struct Counting {
    inner: MemoryStore,
    manifests: Arc<AtomicUsize>,
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("a store that counts")
    }
}

#[async_trait]
impl StoreLayer for Counting {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        let is_manifest = path.as_str().ends_with("/manifest.json");
        self.manifests.fetch_add(usize::from(is_manifest), Ordering::SeqCst);
        self.inner.read(path).await
    }
}

#[tokio::test]
async fn the_newest_entries_cost_no_look_at_older_ones() {
    let (store, context) = (Counting::default(), Context::new());
    let publisher = Publisher::new(store.clone());
    for generation in 0..6 {
        publisher.publish(&sample_release(&generation.to_string()), &context).await.unwrap();
    }
    let all = publisher.history().await.unwrap();
    assert_eq!(all.len(), 6);
    for (limit, expected) in [(0, 0), (2, 2), (6, 6), (100, 6)] {
        store.manifests.store(0, Ordering::SeqCst);
        let recent = publisher.recent_history(limit).await.unwrap();
        assert_eq!(recent, all[..expected], "{limit}");
        assert_eq!(store.manifests.load(Ordering::SeqCst), expected, "{limit}");
    }
}
