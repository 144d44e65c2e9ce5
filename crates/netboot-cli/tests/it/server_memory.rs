//! A process knows what an earlier one learned about the server of a bucket.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use netboot_testbed::{FaultProxy, HttpFault, Moment};

use crate::image;
use crate::place::Place;

#[test]
fn another_process_does_not_test_the_server_of_a_bucket_again() {
    let place = Place::ministack();
    image::write(&place.path("worker"), "one=1");
    let tests = Arc::new(AtomicU64::new(0));
    let counted = tests.clone();
    let proxy = FaultProxy::http(place.server().address(), move |request, moment| {
        let is_test = moment == Moment::Asked && request.target.contains("probe-");
        counted.fetch_add(u64::from(is_test), Ordering::SeqCst);
        HttpFault::None
    });
    let target = place.target().replace(&place.server().endpoint(), &proxy.endpoint());
    // Returns the number of all requests, and of those for the test.
    let publish = |state: &str| {
        let (before, tests_before) = (proxy.requests(), tests.load(Ordering::SeqCst));
        let (path, to) = (place.path(state), ["publish", "worker", "--to", &target]);
        let said = place.run_with(&to, &[("XDG_STATE_HOME", path.to_str().unwrap())]);
        assert_eq!(said.code, Some(0), "{said:#?}");
        (proxy.requests() - before, tests.load(Ordering::SeqCst) - tests_before)
    };
    let (_, first) = publish("state");
    assert!(first > 5, "{first}");
    assert!(place.path("state/netboot/s3-servers.json").is_file());
    let (with_memory, again) = publish("state");
    assert_eq!(again, 0);
    let (without_memory, elsewhere) = publish("other");
    assert_eq!((elsewhere, with_memory + first), (first, without_memory));

    // A directory that cannot be written costs the test, and nothing else.
    fs::write(place.path("file"), "").unwrap();
    assert_eq!(publish("file").1, first);
}
