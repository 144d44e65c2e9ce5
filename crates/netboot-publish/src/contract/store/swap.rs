//! Checks of compare-and-swap, by the numbers of the contract.

use bytes::Bytes;

use crate::contract::store::fixture::{Make, get, path, put};
use crate::store::{Store, Swap};
use netboot_core::Context;

async fn swap(store: &dyn Store, expected: Option<&'static str>, new: &'static str) -> Swap {
    let there = store.read(&path("current.ipxe")).await.unwrap();
    // Expect the version of an earlier content.
    let version = match (expected, there) {
        (Some(expected), Some(there)) if there.bytes == expected => Some(there.version),
        (Some(_), _) => Some(crate::Version::new("another")),
        (None, _) => None,
    };
    let new = Bytes::from_static(new.as_bytes());
    store.swap(&path("current.ipxe"), version.as_ref(), new).await.unwrap()
}

/// 7. `swap` replaces the object if its version is still the expected one.
pub(crate) async fn swap_replaces_what_was_expected(make: Make<'_>) {
    let store = make();
    let guarded = store.capabilities().compare_and_swap();
    assert_eq!(swap(store.as_ref(), None, "first").await, Swap::Done);
    assert_eq!(swap(store.as_ref(), Some("first"), "second").await, Swap::Done);
    assert_eq!(get(store.as_ref(), "current.ipxe").await.unwrap(), "second");
    for expected in [None, Some("first")] {
        let swapped = swap(store.as_ref(), expected, "third").await;
        assert_eq!(swapped, if guarded { Swap::Conflict } else { Swap::Done });
    }
    let now = if guarded { "second" } else { "third" };
    assert_eq!(get(store.as_ref(), "current.ipxe").await.unwrap(), now);
    store.delete(&[path("current.ipxe")], &Context::new()).await.unwrap();
    let swapped = swap(store.as_ref(), Some("second"), "fourth").await;
    assert_eq!(swapped, if guarded { Swap::Conflict } else { Swap::Done });
}

pub(crate) async fn a_swap_deletes_what_is_unneeded(make: Make<'_>) {
    let store = make();
    let guarded = store.capabilities().compare_and_swap();
    let (pointer, unneeded) = (path("current.ipxe"), path("releases/one/incomplete.json"));
    for place in ["releases/one/incomplete.json", "releases/one/manifest.json"] {
        put(store.as_ref(), place, place).await;
    }
    let swap = async |expected: Option<&crate::Version>, new: &'static str| {
        let (new, unneeded) = (Bytes::from_static(new.as_bytes()), [unneeded.clone()]);
        store.swap_and_delete(&pointer, expected, new, &unneeded).await.unwrap()
    };
    if guarded {
        assert_eq!(swap(Some(&crate::Version::new("another")), "first").await, Swap::Conflict);
        assert!(get(store.as_ref(), unneeded.as_str()).await.is_some());
    }
    for new in ["first", "second"] {
        let there = store.read(&pointer).await.unwrap();
        let version = there.map(|document| document.version);
        assert_eq!(swap(version.as_ref(), new).await, Swap::Done);
        assert_eq!(get(store.as_ref(), "current.ipxe").await.unwrap(), new);
        assert!(get(store.as_ref(), unneeded.as_str()).await.is_none());
    }
    assert!(get(store.as_ref(), "releases/one/manifest.json").await.is_some());
}

pub(crate) async fn of_several_swaps_one_succeeds(make: Make<'_>) {
    let store = make();
    let guarded = store.capabilities().compare_and_swap();
    // Without compare-and-swap, no swap loses.
    for round in 0..if guarded { 10 } else { 2 } {
        let there = store.read(&path("current.ipxe")).await.unwrap();
        let version = there.map(|document| document.version);
        let swaps: Vec<_> = (0..6)
            .map(|n| {
                let (store, version) = (store.clone(), version.clone());
                let content = Bytes::from(format!("round {round}, writer {n}"));
                tokio::spawn(async move {
                    store.swap(&path("current.ipxe"), version.as_ref(), content).await.unwrap()
                })
            })
            .collect();
        let mut done = Vec::new();
        for (n, swap) in swaps.into_iter().enumerate() {
            if swap.await.unwrap() == Swap::Done {
                done.push(n);
            }
        }
        assert_eq!(done.len(), if guarded { 1 } else { 6 }, "round {round}");
        let now = get(store.as_ref(), "current.ipxe").await.unwrap();
        assert!(done.iter().any(|n| now == format!("round {round}, writer {n}")));
    }
}

/// 8. A version changes whenever the bytes do.
pub(crate) async fn a_version_changes_with_the_bytes(make: Make<'_>) {
    let store = make();
    let mut versions = std::collections::HashSet::new();
    for n in 0..5 {
        put(store.as_ref(), "current.ipxe", format!("{n:03}")).await;
        let version = store.read(&path("current.ipxe")).await.unwrap().unwrap().version;
        assert_eq!(store.read(&path("current.ipxe")).await.unwrap().unwrap().version, version);
        assert!(versions.insert(version), "the version stayed");
    }
}
