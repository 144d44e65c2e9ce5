//! Boots that go well.

use netboot_closure::console::{ConsoleLine, Warning};

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

#[test]
fn a_source_that_is_no_plain_http_is_left_out() {
    let site = Site::new(&[3000, 10]);
    let server = Server::honest(site.root());
    let machine = site.machine(&["https://boot.example.org/a/../", &server.url()]);
    let outcome = machine.boot();
    assert_eq!(outcome.summary().paths, 2);
    let warned = outcome.lines.iter().find_map(|line| match line {
        ConsoleLine::Warning { warning: Warning::SourceUnusable { parameter } } => Some(parameter),
        _ => None,
    });
    assert_eq!(warned.unwrap().to_string(), "netboot.from=https://boot.example.org/a/../");
}
