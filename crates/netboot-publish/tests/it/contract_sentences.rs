//! Whatever fails in a contract suite, the failure names a sentence by its number.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use netboot_publish::{Store, contract};

use crate::faulty::{Faults, Faulty};

/// Runs a suite whose stores fail at the call with this number. Returns the message of the failure,
/// and the number of calls that were left.
async fn fail_at(call: usize, of_publishers: bool) -> (Option<String>, usize) {
    let calls_left = Arc::new(AtomicUsize::new(call));
    let left = calls_left.clone();
    let suite = AssertUnwindSafe(async move {
        let make = || -> Arc<dyn Store> {
            let calls_left = calls_left.clone();
            Arc::new(Faulty::new(Faults { calls_left, ..Faults::default() }))
        };
        if of_publishers {
            contract::check_publisher_in_brief(make).await;
            contract::check_attacks(make).await;
        } else {
            contract::check_store(make).await;
        }
    });
    let panic = suite.catch_unwind().await.err();
    let text = panic.map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default());
    (text, left.load(Ordering::SeqCst))
}

/// The sentences that the failure of the call with this number names. A publisher may survive a
/// call that fails, as it should: then there are none.
async fn named_at(call: usize, contract: &str, of_publishers: bool) -> Vec<u32> {
    let (Some(text), _) = fail_at(call, of_publishers).await else { return Vec::new() };
    let numbers = text.strip_prefix("sentence ").and_then(|text| text.split_once(" of the"));
    let Some((numbers, rest)) = numbers else { panic!("call {call}: {text}") };
    assert!(rest.starts_with(&format!(" contract of `{contract}` is broken: ")), "{text}");
    numbers.split(" or ").map(|number| number.parse().unwrap()).collect()
}

/// Fails calls all over a suite, and then more of them wherever two neighbours leave out sentences
/// between them. Returns the sentences that the failures name.
async fn sentences(contract: &str, of_publishers: bool, samples: usize) -> BTreeSet<u32> {
    let many = 1_000_000;
    let (text, left) = fail_at(many, of_publishers).await;
    assert_eq!(text, None, "the suite fails by itself");
    let calls = many - left;
    let mut named = BTreeMap::new();
    for call in (1..=calls).step_by((calls / samples).max(1)) {
        named.insert(call, named_at(call, contract, of_publishers).await);
    }
    let leaves_out = |(before, after): (&Vec<u32>, &Vec<u32>)| {
        let ends = before.iter().max().zip(after.iter().min());
        ends.is_some_and(|(before, after)| before + 1 < *after)
    };
    let gap = |named: &BTreeMap<usize, Vec<u32>>| {
        let mut neighbours = named.iter().zip(named.iter().skip(1));
        neighbours.find_map(|((before, these), (after, those))| {
            let has_room = before + 1 < *after;
            (has_room && leaves_out((these, those))).then_some(before.midpoint(*after))
        })
    };
    while let Some(call) = gap(&named) {
        named.insert(call, named_at(call, contract, of_publishers).await);
    }
    println!("{} of {calls} calls failed", named.len());
    named.into_values().flatten().collect()
}

#[tokio::test]
async fn a_failure_of_a_store_names_the_sentence() {
    let named = sentences("Store", false, 40).await;
    // Sentence 14 needs no call that can fail.
    let expected: BTreeSet<u32> = (1..=16).filter(|number| *number != 14).collect();
    assert_eq!(named, expected);
}

#[tokio::test]
async fn a_failure_of_a_publisher_names_the_promise() {
    let named = sentences("Publisher", true, 40).await;
    // A few calls belong to promise 2, and promise 5 is that errors come: these may not be met.
    for number in [1, 3, 4, 6, 7] {
        assert!(named.contains(&number), "{number} is not in {named:?}");
    }
}
