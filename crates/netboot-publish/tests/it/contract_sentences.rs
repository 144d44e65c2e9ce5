//! Whatever fails in a contract suite, the failure names a sentence by its number.

use std::collections::BTreeSet;
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

/// Fails calls all over a suite. Returns the sentences that the failures name.
async fn sentences(contract: &str, of_publishers: bool, samples: usize) -> BTreeSet<String> {
    let many = 1_000_000;
    let (text, left) = fail_at(many, of_publishers).await;
    assert_eq!(text, None, "the suite fails by itself");
    let calls = many - left;
    let mut named = BTreeSet::new();
    for call in (1..=calls).step_by((calls / samples).max(1)) {
        // A publisher may survive a call that fails, as it should.
        let (Some(text), _) = fail_at(call, of_publishers).await else { continue };
        let numbers = text.strip_prefix("sentence ").and_then(|text| text.split_once(" of the"));
        let Some((numbers, rest)) = numbers else { panic!("call {call}: {text}") };
        assert!(rest.starts_with(&format!(" contract of `{contract}` is broken: ")), "{text}");
        named.extend(numbers.split(" or ").map(str::to_owned));
    }
    named
}

#[tokio::test]
async fn a_failure_of_a_store_names_the_sentence() {
    let named = sentences("Store", false, 200).await;
    // Sentence 14 needs no call that can fail.
    let expected: BTreeSet<String> =
        (1..=16).filter(|number| *number != 14).map(|number| number.to_string()).collect();
    assert_eq!(named, expected);
}

#[tokio::test]
async fn a_failure_of_a_publisher_names_the_promise() {
    let named = sentences("Publisher", true, 40).await;
    // A few calls belong to promise 2, and promise 5 is that errors come: these may not be met.
    for number in ["1", "3", "4", "6", "7"] {
        assert!(named.contains(number), "{number} is not in {named:?}");
    }
}
