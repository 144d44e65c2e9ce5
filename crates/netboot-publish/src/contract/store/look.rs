//! Checks of questions about many paths, by the numbers of the contract.

use std::collections::BTreeMap;

use netboot_core::{Context, FileName, ReleasePath};

use crate::contract::store::artifacts::Zeros;
use crate::contract::store::fixture::{Make, path, put};
use crate::store::{Answer, DOCUMENT_LIMIT, Document, Question, Store, Upload};

/// 15. `look` answers as `stat` and `read` do.
pub(crate) async fn a_look_answers_as_stat_and_read_do(make: Make<'_>) {
    let store = make();
    // Nothing at all is there yet.
    let everything = |size: fn(u64) -> Option<u64>| {
        Question::default()
            .with_entries([
                (path("blobs/large"), size(DOCUMENT_LIMIT + 1)),
                (path("blobs/small"), size(12)),
                (path("blobs/not"), size(7)),
                (path("releases"), size(5)),
                (path("releases/one/deep/below"), size(4)),
                (path("releases/one/deep/below/file"), size(4)),
            ])
            .with_documents(
                ["current.ipxe", "other.ipxe", "releases/one/manifest.json", "blobs/large"]
                    .map(path),
            )
    };
    let question = everything(Some);
    assert_eq!(store.look(&question).await.unwrap(), Answer::default());
    assert_eq!(store.look(&Question::default()).await.unwrap(), Answer::default());

    for place in ["blobs/small", "releases/one/manifest.json", "releases/one/deep/below"] {
        put(store.as_ref(), place, "some content").await;
    }
    put(store.as_ref(), "current.ipxe", "").await;
    let zeros = Zeros(FileName::new("zeros").unwrap(), DOCUMENT_LIMIT + 1);
    let uploads = vec![Upload::new(path("blobs/large"), zeros)];
    store.send(uploads, &Context::new()).await.unwrap();
    // The sizes are right, unknown, wrong, and another one's.
    for size in [Some, |_| None, |size| Some(size + 1), |_| Some(12)] {
        let question = everything(size);
        let answer = store.look(&question).await.unwrap();
        assert_eq!(answer, in_parts(store.as_ref(), &question).await);
        let documents: Vec<&str> = answer.documents.keys().map(ReleasePath::as_str).collect();
        assert_eq!(documents, ["current.ipxe", "releases/one/manifest.json"]);
    }
    if store.capabilities().links() {
        let links = [(path("other.ipxe"), "current.ipxe".to_owned())];
        store.link(&BTreeMap::from(links)).await.unwrap();
        let answer = store.look(&question).await.unwrap();
        let found = store.stat(&[path("other.ipxe")]).await.unwrap();
        assert_eq!(answer.entries.get(&path("other.ipxe")), found.get(&path("other.ipxe")));
        assert_eq!(answer.documents.get(&path("other.ipxe")), None, "a link was followed");
    }
}

/// The answer that `stat` and `read` give.
async fn in_parts(store: &dyn Store, question: &Question) -> Answer {
    let paths: Vec<ReleasePath> = question.paths().cloned().collect();
    let entries = store.stat(&paths).await.unwrap();
    let mut documents: BTreeMap<ReleasePath, Document> = BTreeMap::new();
    for path in question.documents() {
        match store.read(path).await {
            Ok(read) => documents.extend(read.map(|document| (path.clone(), document))),
            Err(error) => assert!(error.is_no_document(), "{error:?}"),
        }
    }
    Answer { entries, documents }
}
