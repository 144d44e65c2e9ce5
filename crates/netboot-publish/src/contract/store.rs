//! Checks of the contract of [`Store`], by the numbers of its sentences.

mod artifacts;
mod fixture;
mod look;
mod order;
mod reading;
mod swap;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use netboot_core::contract::check_sentences;
use netboot_core::{
    CancellationToken, Context, Event, FileName, Phase, ReleasePath, Sha256Digest, Unit,
};

use crate::contract::store::artifacts::{Lying, Zeros};
use crate::contract::store::fixture::{Make, get, path, put, upload};
use crate::error::Error;
use crate::store::{Entry, ListScope, MissingFeature, Store, Upload};

pub(crate) async fn check(make: Make<'_>) {
    of(&[1], an_object_is_replaced_at_once(make)).await;
    of(&[2], a_batch_arrives(make)).await;
    of(&[3], other_bytes_than_announced_are_refused(make)).await;
    of(&[4], stat_tells_what_there_is(make)).await;
    of(&[5], list_finds_everything_in_its_scope(make)).await;
    of(&[6], reading::read_and_open_give_the_bytes(make)).await;
    of(&[6], reading::open_range_gives_the_bytes_of_the_range(make)).await;
    of(&[6], reading::read_refuses_what_is_too_large(make)).await;
    of(&[7], swap::swap_replaces_what_was_expected(make)).await;
    of(&[7], swap::a_swap_deletes_what_is_unneeded(make)).await;
    of(&[7], swap::of_several_swaps_one_succeeds(make)).await;
    of(&[8], swap::a_version_changes_with_the_bytes(make)).await;
    of(&[9], delete_removes(make)).await;
    of(&[10], link_makes_links(make)).await;
    of(&[11], the_lock_excludes(make)).await;
    of(&[12], a_cancelled_context_ends_the_work(make)).await;
    of(&[13], progress_is_reported(make)).await;
    of(&[14], it_describes_itself(make)).await;
    of(&[15], look::a_look_answers_as_stat_and_read_do(make)).await;
    of(&[16], order::batches_arrive_in_order(make)).await;
    of(&[16], order::nothing_follows_a_batch_that_cannot_be_sent(make)).await;
}

/// Checks sentences of the contract of [`Store`].
async fn of(sentences: &[u8], check: impl Future<Output = ()>) {
    check_sentences("Store", sentences, check).await;
}

/// 1. A reader gets the old bytes or the new ones.
async fn an_object_is_replaced_at_once(make: Make<'_>) {
    let store = make();
    let versions: Vec<Vec<u8>> = (0..2_u8).map(|fill| vec![b'a' + fill; 300_000]).collect();
    put(store.as_ref(), "replaced", versions[0].clone()).await;
    let writer = {
        let (store, versions) = (store.clone(), versions.clone());
        tokio::spawn(async move {
            for round in 0..10 {
                put(store.as_ref(), "replaced", versions[round % 2].clone()).await;
            }
        })
    };
    while !writer.is_finished() {
        let bytes = get(store.as_ref(), "replaced").await.expect("it is always there");
        assert!(versions.iter().any(|version| bytes == version[..]), "a torn object");
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// 2. When `send` returns, all of the batch is there.
async fn a_batch_arrives(make: Make<'_>) {
    let store = make();
    let uploads: Vec<Upload> = (0..20)
        .map(|n| upload(&format!("releases/batch/{}/{n}", n % 7), format!("number {n}")))
        .collect();
    store.send(uploads.clone(), &Context::new()).await.unwrap();
    store.send(Vec::new(), &Context::new()).await.unwrap();
    for upload in uploads {
        let bytes = get(store.as_ref(), upload.path().as_str()).await.unwrap();
        assert_eq!(Sha256Digest::of(&bytes), upload.content().sha256);
    }
    put(store.as_ref(), "blobs/empty", "").await;
    assert_eq!(get(store.as_ref(), "blobs/empty").await.unwrap().len(), 0);
    let large: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 253) as u8).collect();
    put(store.as_ref(), "blobs/large", large.clone()).await;
    assert!(get(store.as_ref(), "blobs/large").await.unwrap() == large);
}

/// 3. Bytes that differ are an error, and not put into place.
async fn other_bytes_than_announced_are_refused(make: Make<'_>) {
    let store = make();
    for (size, announced, bytes) in
        [(3, "abc", "abd"), (3, "abc", "ab"), (3, "abc", "abcd"), (3, "abc", "")]
    {
        let sha256 = Sha256Digest::of(announced.as_bytes());
        let name = FileName::new("lying").unwrap();
        let lying = Lying { name, size, sha256, bytes: Bytes::from_static(bytes.as_bytes()) };
        let uploads = vec![Upload::new(path("blobs/lying"), lying)];
        let error = store.send(uploads, &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
        assert!(error.hint().is_some());
        assert_eq!(get(store.as_ref(), "blobs/lying").await, None, "{bytes:?} was put into place");
    }
}

/// 4. `stat` returns an entry for each path that exists.
async fn stat_tells_what_there_is(make: Make<'_>) {
    let store = make();
    let before = SystemTime::now() - Duration::from_secs(5);
    put(store.as_ref(), "blobs/here", "12345").await;
    let paths = [path("blobs/here"), path("blobs/not"), path("blobs/here/below")];
    let found = store.stat(&paths).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&paths[0]]);
    let entry = &found[&paths[0]];
    assert_eq!(entry.size(), Some(5));
    let modified = entry.modified().unwrap();
    assert!(modified > before && modified < SystemTime::now() + Duration::from_secs(5));
    assert!(store.stat(&[]).await.unwrap().is_empty());
}

/// 5. `list` finds every object in its scope.
async fn list_finds_everything_in_its_scope(make: Make<'_>) {
    let store = make();
    let below = |text: &str| ListScope::Below(path(text));
    assert!(store.list(&below("releases")).await.unwrap().is_empty());
    assert!(store.list(&ListScope::Root).await.unwrap().is_empty());
    let places = ["current.ipxe", "releases/a/manifest.json", "releases/a/worker/x", "releasesb/c"];
    for place in places {
        put(store.as_ref(), place, place).await;
    }
    for (scope, expected) in [
        (ListScope::Root, &places[..1]),
        (below("releases"), &places[1..3]),
        (below("releases/a/worker"), &places[2..3]),
        (below("nothing"), &[]),
    ] {
        let mut listed = store.list(&scope).await.unwrap();
        listed.sort_by(|one, other| one.path.cmp(&other.path));
        let found: Vec<&str> = listed.iter().map(|listed| listed.path.as_str()).collect();
        assert_eq!(found, expected, "{scope:?}");
        for listed in listed {
            let path = path(&listed.path);
            assert_eq!(store.stat(std::slice::from_ref(&path)).await.unwrap()[&path], listed.entry);
        }
    }
}

/// 9. `delete` removes objects, and a missing object is no error.
async fn delete_removes(make: Make<'_>) {
    let store = make();
    for place in ["releases/a/one", "releases/a/two", "blobs/three"] {
        put(store.as_ref(), place, place).await;
    }
    let paths = ["releases/a/one", "blobs/three", "blobs/not", "no/such/place"].map(path);
    for _ in 0..2 {
        store.delete(&paths, &Context::new()).await.unwrap();
        assert!(store.stat(&paths).await.unwrap().is_empty());
    }
    assert_eq!(get(store.as_ref(), "releases/a/two").await.unwrap(), "releases/a/two");
    // An emptied directory takes new objects.
    put(store.as_ref(), "releases/a/one", "again").await;
}

/// 10. `link` makes symbolic links, or says that the store does not support them.
async fn link_makes_links(make: Make<'_>) {
    let store = make();
    put(store.as_ref(), "worker/initrd", "an object").await;
    for target in ["../blobs/a", "../blobs/b"] {
        let links: BTreeMap<ReleasePath, String> = ["worker/bzImage", "worker/initrd"]
            .map(|place| (path(place), target.to_owned()))
            .into();
        let linked = store.link(&links).await;
        if !store.capabilities().links() {
            assert!(matches!(linked, Err(Error::LinksUnsupported { .. })), "{linked:?}");
            continue;
        }
        linked.unwrap();
        for (path, target) in &links {
            let found = store.stat(std::slice::from_ref(path)).await.unwrap();
            assert_eq!(found[path], Entry::Link { target: target.clone() });
        }
        let listed = store.list(&ListScope::Below(path("worker"))).await.unwrap();
        assert!(listed.iter().all(|listed| matches!(listed.entry, Entry::Link { .. })));
    }
    let paths = [path("worker/bzImage"), path("worker/initrd")];
    store.delete(&paths, &Context::new()).await.unwrap();
    assert!(store.stat(&paths).await.unwrap().is_empty());
}

/// 11. Only one publisher holds the lock at a time, and the lock ends with its guard.
async fn the_lock_excludes(make: Make<'_>) {
    let store = make();
    let context = Context::new();
    let guard = store.lock(&context).await.unwrap();
    let short = Duration::from_millis(100);
    let second = tokio::time::timeout(short, store.lock(&context)).await;
    assert_eq!(second.is_err(), store.capabilities().lock(), "the lock");
    drop((guard, second));
    let long = Duration::from_secs(240);
    let third = tokio::time::timeout(long, store.lock(&context)).await;
    drop(third.expect("the lock ended with its guard").unwrap());
}

/// 12. A cancelled context ends the work.
async fn a_cancelled_context_ends_the_work(make: Make<'_>) {
    let store = make();
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let guard = store.lock(&context).await.unwrap();
    token.cancel();
    let long = Duration::from_secs(240);
    let cancelled = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Cancelled)));
    let locked = tokio::time::timeout(long, store.lock(&context)).await.unwrap();
    cancelled(locked.map(drop));
    cancelled(store.send(vec![upload("blobs/late", "late")], &context).await);
    cancelled(store.delete(&[path("blobs/late")], &context).await);
    assert_eq!(get(store.as_ref(), "blobs/late").await, None);
    drop(guard);

    // A dropped `send` leaves each object whole or missing.
    let zeros = || Arc::new(Zeros(FileName::new("zeros").unwrap(), 8_000_000));
    let uploads = (0..4).map(|n| Upload::new(path(&format!("blobs/{n}")), zeros())).collect();
    let sending = store.send(uploads, &Context::new()).await;
    sending.unwrap();
    let uploads = (4..8).map(|n| Upload::new(path(&format!("blobs/{n}")), zeros())).collect();
    let context = Context::new();
    let dropped = tokio::time::timeout(Duration::from_millis(3), store.send(uploads, &context));
    let _ = dropped.await;
    for listed in store.list(&ListScope::Below(path("blobs"))).await.unwrap() {
        // Names that no release can have, such as those of a server's own files, are no objects.
        if ReleasePath::new(&listed.path).is_err() {
            continue;
        }
        assert_eq!(listed.entry.size(), Some(8_000_000), "{listed:?} is half there");
    }
}

/// 13. `send` reports progress for each upload.
async fn progress_is_reported(make: Make<'_>) {
    let store = make();
    let events = Arc::new(Mutex::new(BTreeMap::<String, Vec<(u64, Option<u64>)>>::new()));
    let context = {
        let events = events.clone();
        Context::new().with_events(move |event: Event| {
            let Event::Progress { phase, subject, done, total, unit, .. } = event else { return };
            assert_eq!((phase, unit), (Phase::Staging, Unit::Bytes));
            events.lock().unwrap().entry(subject).or_default().push((done, total));
        })
    };
    let large = upload("blobs/large", vec![7; 3_000_000]).with_subject("worker/initrd");
    store.send(vec![large, upload("blobs/small", "small")], &context).await.unwrap();
    let events = events.lock().unwrap();
    assert_eq!(events.keys().collect::<Vec<_>>(), ["blobs/small", "worker/initrd"]);
    for (subject, size) in [("blobs/small", 5), ("worker/initrd", 3_000_000)] {
        let events = &events[subject];
        assert!(events.is_sorted(), "{subject} went back");
        assert_eq!(events.last(), Some(&(size, Some(size))));
    }
}

/// 14. A store has a name, and its abilities stay.
async fn it_describes_itself(make: Make<'_>) {
    let store = make();
    assert_eq!(store.capabilities(), store.capabilities(), "the abilities changed");
    let missing = store.missing_features().into_iter().filter(|feature| feature.is_capability());
    let expected = MissingFeature::of(store.capabilities());
    assert!(missing.eq(expected), "the missing features are not those of the capabilities");
    assert!(!store.to_string().is_empty(), "the name is empty");
    let place = store.place().await.unwrap();
    assert!(!place.is_empty(), "the place has no name");
    assert_eq!(store.place().await.unwrap(), place, "the name of the place changed");
}
