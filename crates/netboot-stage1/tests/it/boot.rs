//! Boots that go well.

use crate::server::Server;
use crate::site::Site;

#[test]
fn a_closure_is_assembled() {
    let site = Site::new(&[3000, 2_000_000, 70_000, 10]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    let summary = machine.boot().summary();
    assert_eq!((summary.paths, summary.retries, summary.from_disk), (4, 0, 0));
    site.assert_complete(&machine);
    // The index, and each blob once, over connections that are used again.
    assert_eq!(server.requests(), 5);
    assert!(server.connections() <= 5, "{}", server.connections());
}
