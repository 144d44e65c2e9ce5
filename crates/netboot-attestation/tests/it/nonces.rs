//! Nonces count once, for a short time, for one machine.

use std::time::Duration;

use netboot_attestation::{Error, Nonces};
use netboot_core::BackendError;

const LIFE: Duration = Duration::from_secs(60);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_nonce_counts_once_and_for_its_machine() {
    let mut nonces = Nonces::new(8, LIFE);
    let (one, two) = (nonces.issue("one", at(0)).unwrap(), nonces.issue("two", at(0)).unwrap());
    assert_ne!(one, two);
    // Another machine's nonce uses nothing up.
    assert!(matches!(nonces.redeem(&"one", &two, at(1)), Err(Error::OldNonce)));
    nonces.redeem(&"one", &one, at(1)).unwrap();
    assert!(matches!(nonces.redeem(&"one", &one, at(1)), Err(Error::OldNonce)));
    nonces.redeem(&"two", &two, at(59)).unwrap();
    assert!(matches!(nonces.redeem(&"three", &two, at(1)), Err(Error::OldNonce)));
}

#[test]
fn a_nonce_expires_and_whoever_asks_again_takes_nothing_away() {
    let mut nonces = Nonces::new(8, LIFE);
    let old = nonces.issue("one", at(0)).unwrap();
    let refused = nonces.redeem(&"one", &old, at(60)).unwrap_err();
    assert!(matches!(refused, Error::OldNonce));
    assert_eq!(refused.hint().unwrap(), "ask for a new nonce, and quote with it at once");
    let first = nonces.issue("one", at(60)).unwrap();
    assert_eq!(nonces.issue("one", at(90)).unwrap(), first);
    let second = nonces.issue("one", at(91)).unwrap();
    assert_ne!(second, first);
    assert_eq!(nonces.issue("one", at(92)).unwrap(), second);
    nonces.redeem(&"one", &first, at(92)).unwrap();
    nonces.redeem(&"one", &second, at(150)).unwrap();
}

#[test]
fn the_number_of_nonces_is_limited() {
    let mut nonces = Nonces::new(2, LIFE);
    for machine in ["one", "two", "one"] {
        nonces.issue(machine, at(0)).unwrap();
    }
    let refused = nonces.issue("three", at(59)).unwrap_err();
    assert!(matches!(refused, Error::TooManyNonces { limit: 2 }));
    assert_eq!(refused.hint().unwrap(), "wait until their nonces have expired, and ask again");
    nonces.issue("three", at(60)).unwrap();
}
