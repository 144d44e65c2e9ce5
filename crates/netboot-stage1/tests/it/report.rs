//! Reports of a boot's progress to a service.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netboot_closure::console::{ConsoleLine, Warning};
use netboot_testbed::{PATIENCE, ReservedPort};

use crate::server::{Reply, Server, answer};
use crate::site::{Outcome, Site};

fn warning(outcome: &Outcome) -> Option<&Warning> {
    outcome.lines.iter().find_map(|line| match line {
        ConsoleLine::Warning { warning } => Some(warning),
        _ => None,
    })
}

#[test]
fn each_line_is_reported() {
    let site = Site::new(&[1000]);
    let server = Server::honest(site.root());
    let queries = Arc::new(Mutex::new(Vec::new()));
    let noted = queries.clone();
    let service = Server::new(site.root(), move |request| {
        noted.lock().unwrap().push(request.target.clone());
        Reply::Raw(answer("200 OK", "", b"noted"))
    });
    let machine = site.machine(&[&server.url()]);
    machine.add_interface("eth0", "52:54:00:aa:bb:cc");
    machine.add_parameter(&format!("netboot.report={}report?nonce=7", service.url()));
    let outcome = machine.run();
    outcome.summary();
    let queries = queries.lock().unwrap().clone();
    let card = "/report?nonce=7&stage=store&mac=52:54:00:aa:bb:cc&line=netboot%20%7C%20";
    assert!(queries.iter().all(|query| query.starts_with(card)), "{queries:?}");
    // The first line is older than the knowledge of the URL.
    assert_eq!(queries.len(), outcome.lines.len() - 1, "{queries:?}");
    assert!(queries.last().unwrap().contains("finished%20in"), "{queries:?}");
    assert_eq!(warning(&outcome), None);
}

#[test]
fn a_service_that_is_away_or_hangs_delays_no_boot() {
    let site = Site::new(&[1000]);
    let server = Server::honest(site.root());
    let port = ReservedPort::new();
    // Connections wait in its queue, and nobody answers.
    let listener = TcpListener::bind(port.address()).unwrap();
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter(&format!("netboot.report=http://{}/report", port.address()));
    // A busy machine delays one boot or another, and a boot that waits for answers takes longer
    // every time.
    let begin = Instant::now();
    let took = || {
        let start = Instant::now();
        machine.boot().summary();
        start.elapsed()
    };
    while took() >= Duration::from_secs(30) {
        assert!(begin.elapsed() < PATIENCE, "each boot waits for answers");
    }
    drop(listener);

    let outcome = machine.run();
    outcome.summary();
    assert!(matches!(warning(&outcome), Some(Warning::ReportNotDelivered { .. })));
    let unusable = site.machine(&[&server.url()]);
    unusable.add_parameter("netboot.report=https://127.0.0.1/");
    let outcome = unusable.run();
    outcome.summary();
    assert!(matches!(warning(&outcome), Some(Warning::ReportNotDelivered { .. })));
}
