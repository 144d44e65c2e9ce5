//! If verification cannot read a file, it fails. It reports no finding, since operators act on
//! findings.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use netboot_core::{CancellationToken, Context, ReleasePath, layout};
use netboot_publish::contract::sample_release;
use netboot_publish::{Error, Finding, Publisher, Store, VerifyDepth, VerifyReport, VerifyScope};
use tokio::io::{AsyncRead, ReadBuf};

use crate::faulty::{Faults, Faulty};
use crate::patience::soon;

/// A reader that fails, or that never returns anything.
struct Reader(Option<io::Error>);

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Poller<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
    }
}

async fn published() -> (Faulty, Publisher) {
    let store = Faulty::new(Faults::default());
    let publisher = Publisher::new(store.clone());
    publisher.publish(&sample_release("one"), &Context::new()).await.unwrap();
    (store, publisher)
}

async fn verify(publisher: &Publisher, context: &Context) -> Result<VerifyReport, Error> {
    publisher.verify(VerifyScope::Everything, VerifyDepth::Content, context).await
}

/// Otherwise the hint would tell an operator to move the files away.
#[tokio::test]
async fn a_record_that_cannot_be_read_makes_no_file_unknown() {
    let (store, publisher) = published().await;
    let two = sample_release("two");
    publisher.stage(&two, &Context::new()).await.unwrap();
    let manifest = layout::in_release(two.id(), &layout::manifest());
    let incomplete = ReleasePath::new("incomplete.json").unwrap();
    let incomplete = layout::in_release(two.id(), &incomplete);
    let json = store.read(&manifest).await.unwrap().unwrap().bytes;
    store.swap(&incomplete, None, json).await.unwrap();
    store.delete(&[manifest], &Context::new()).await.unwrap();
    *store.faults.unreadable.lock().unwrap() = Some(incomplete.clone());
    let error = verify(&publisher, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::StorageFull { .. }), "{error:?}");

    // Without a readable record, nobody can tell which files belong to the release.
    *store.faults.unreadable.lock().unwrap() = None;
    let there = store.read(&incomplete).await.unwrap().unwrap();
    store.swap(&incomplete, Some(&there.version), "{".into()).await.unwrap();
    let report = verify(&publisher, &Context::new()).await.unwrap();
    assert_eq!(report.findings, [Finding::Incomplete { release: *two.id() }], "{report}");
}

#[tokio::test]
async fn a_store_that_says_nothing_more_can_be_left() {
    let (store, publisher) = published().await;
    *store.faults.reader.lock().unwrap() = Some(|| Box::pin(Reader(None)));
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        token.cancel();
    };
    let verifying = soon(verify(&publisher, &context));
    let (verified, ()) = tokio::join!(verifying, cancel);
    assert!(matches!(verified, Err(Error::Cancelled)));
}

#[tokio::test]
async fn the_error_of_a_reader_is_that_of_its_store() {
    let (store, publisher) = published().await;
    *store.faults.reader.lock().unwrap() = Some(|| {
        let full = io::ErrorKind::StorageFull.into();
        let error =
            io::Error::other(Error::StorageFull { path: PathBuf::from("/x"), source: full });
        Box::pin(Reader(Some(error)))
    });
    let error = verify(&publisher, &Context::new()).await.unwrap_err();
    assert!(matches!(&error, Error::StorageFull { path, .. } if path.as_os_str() == "/x"));

    *store.faults.reader.lock().unwrap() =
        Some(|| Box::pin(Reader(Some(io::ErrorKind::ConnectionReset.into()))));
    let error = verify(&publisher, &Context::new()).await.unwrap_err();
    assert!(matches!(&error, Error::Io { action: "read", .. }), "{error:?}");
}
