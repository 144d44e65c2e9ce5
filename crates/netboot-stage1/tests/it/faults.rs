//! Networks and servers that fail or lie.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use netboot_closure::console::{ConsoleLine, FailureCause, FetchProblem, Item};
use netboot_testbed::ReservedPort;

use crate::server::{Reply, Request, Server, answer};
use crate::site::{Machine, Outcome, Site};

/// A closure with one store path that is larger than the buffers of connections.
fn site() -> Site {
    Site::new(&[3000, 1_500_000, 70_000, 10])
}

/// Boots a closure from a server that treats the largest blob by `rule`. The rule gets the size of
/// the blob too.
fn boot_with(
    rule: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
) -> (Site, Machine, Outcome) {
    boot(|machine| machine, rule)
}

/// Changes the machine before it boots.
fn boot(
    change: impl FnOnce(Machine) -> Machine,
    rule: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
) -> (Site, Machine, Outcome) {
    let site = site();
    let largest = site.largest().blob.to_string();
    let bytes = usize::try_from(site.largest().blob_size).unwrap();
    let server = Server::new(site.root(), move |request| {
        if request.target.ends_with(&largest) { rule(request, bytes) } else { Reply::File }
    });
    let machine = change(site.machine(&[&server.url()]));
    let outcome = machine.boot();
    (site, machine, outcome)
}

#[test]
fn a_byte_that_is_wrong_once_is_fetched_again() {
    for at in [0, 1000, 400_000] {
        let (site, machine, outcome) = boot_with(move |request, _| match request.nth {
            1 => Reply::Flipped(at),
            _ => Reply::File,
        });
        assert_eq!(outcome.summary().retries, 1, "{}", outcome.printed);
        assert!(outcome.summary().from_network > site.index.blob_bytes());
        site.assert_complete(&machine);
    }
}

#[test]
fn a_byte_that_stays_wrong_ends_the_boot() {
    let (site, machine, outcome) = boot_with(|_, size| Reply::Flipped(size / 2));
    let (tries, problem) = outcome.fetch_failure();
    assert_eq!((tries, problem), (3, FetchProblem::WrongDigest));
    // Neither the store path nor the registration is there.
    let names = machine.names();
    assert!(!names.iter().any(|name| name == site.largest().path.base_name()), "{names:?}");
    assert!(!names.iter().any(|name| name == "nix-path-registration"), "{names:?}");
    let failure = outcome.failure();
    assert!(matches!(&failure.cause, FailureCause::FetchFailed { item: Item::Path { path }, .. }
        if *path == site.largest().path));
    assert!(outcome.printed.contains(&format!("What to do: {}", failure.hint())));
}

#[test]
fn a_missing_blob_ends_the_boot_and_a_mirror_has_it() {
    let site = site();
    let elsewhere = Site::new(&[3000, 1_500_000, 70_000, 10]);
    std::fs::remove_file(site.blob(&site.largest().blob)).unwrap();
    let server = Server::honest(site.root());
    let outcome = site.machine(&[&server.url()]).boot();
    assert_eq!(outcome.fetch_failure(), (3, FetchProblem::Missing));

    let mirror = Server::honest(elsewhere.root());
    let machine = site.machine(&[&server.url(), &mirror.url()]);
    assert_eq!(machine.boot().summary().retries, 1);
    site.assert_complete(&machine);
    // The first source lacks one blob, and is still the first for all others.
    assert!(mirror.requests() <= 2, "{}", mirror.requests());
}

#[test]
fn a_cut_blob_is_continued_where_it_ended() {
    let parts = Arc::new(AtomicU64::new(0));
    let counted = parts.clone();
    let (site, machine, outcome) = boot_with(move |request, _| {
        counted.fetch_add(u64::from(request.from.is_some()), Ordering::SeqCst);
        match request.nth {
            1 => Reply::Cut(100_000),
            2 => Reply::Cut(1),
            3 => Reply::Cut(0),
            _ => Reply::File,
        }
    });
    let summary = outcome.summary();
    assert_eq!((summary.retries, parts.load(Ordering::SeqCst)), (3, 3), "{}", outcome.printed);
    // Nothing was fetched twice.
    let index_size = std::fs::metadata(site.blob(&site.index_digest)).unwrap().len();
    let sizes: u64 = site.index.entries().iter().map(|entry| entry.blob_size).sum();
    assert_eq!(summary.from_network, sizes + index_size);
    site.assert_complete(&machine);
}

#[test]
fn servers_that_lie_about_parts_of_files_do_no_harm() {
    let part = |range: &'static str| {
        move |request: &Request, _: usize| match (request.nth, request.from) {
            (1, _) => Reply::Cut(100_000),
            (_, Some(_)) => {
                let headers = format!("Content-Range: {range}\r\n");
                Reply::Raw(answer("206 Partial Content", &headers, b"some bytes"))
            }
            (_, None) => Reply::File,
        }
    };
    for range in ["bytes 0-9/10", "bytes 99999-100008/100009", "", "bytes 5", "pages 100000-1/2"] {
        let (site, machine, outcome) = boot_with(part(range));
        assert_eq!(outcome.summary().retries, 2, "{range}: {}", outcome.printed);
        site.assert_complete(&machine);
    }
    // It says that it sends the right part, and sends the beginning of the file.
    let (site, machine, outcome) = boot_with(|request, _| match (request.nth, request.from) {
        (1, _) => Reply::Cut(200_000),
        (2, Some(_)) => Reply::Flipped(200_001),
        _ => Reply::File,
    });
    assert_eq!(outcome.summary().retries, 2, "{}", outcome.printed);
    site.assert_complete(&machine);
    // It answers with the whole file.
    let (site, machine, outcome) = boot_with(|request, _| match request.nth {
        1 => Reply::Cut(200_000),
        _ => Reply::WholeFile,
    });
    assert_eq!(outcome.summary().retries, 1, "{}", outcome.printed);
    site.assert_complete(&machine);
    // It has no more of the file.
    let (site, machine, outcome) = boot_with(|request, _| match (request.nth, request.from) {
        (1, _) => Reply::Cut(200_000),
        (_, Some(_)) => Reply::Raw(answer("416 Range Not Satisfiable", "", b"")),
        _ => Reply::File,
    });
    assert_eq!(outcome.summary().retries, 2, "{}", outcome.printed);
    site.assert_complete(&machine);
    // It sends a part, and was asked for everything.
    let (_, _, outcome) = boot_with(|_, _| {
        let headers = "Content-Range: bytes 0-9/100\r\n";
        Reply::Raw(answer("206 Partial Content", headers, b"0123456789"))
    });
    let (tries, problem) = outcome.fetch_failure();
    assert!(tries == 3 && matches!(problem, FetchProblem::Malformed { .. }), "{problem:?}");
}

#[test]
fn wrong_answers_end_the_boot_with_their_reason() {
    let page = answer("200 OK", "Content-Type: text/html\r\n", b"<html>Please log in</html>");
    let short = answer("200 OK", "", b"short");
    let redirect = |to: &str| answer("302 Found", &format!("Location: {to}\r\n"), b"");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let secure = format!("https://{}/x", listener.local_addr().unwrap());
    let encoded = answer("200 OK", "Content-Encoding: gzip\r\n", b"");
    let forbidden = answer("403 Forbidden", "", b"");
    for (raw, expected) in [
        (page, "the answer is malformed: \"it is a page in HTML\""),
        (short, "only 5 of "),
        (redirect("/blobs/x"), "the server does not have it"),
        (redirect(&secure), "it redirects to https"),
        (encoded, "it has the encoding gzip"),
        (forbidden, "the server answered with status 403"),
    ] {
        let (_, _, outcome) = boot_with(move |_, _| Reply::Raw(raw.clone()));
        let (tries, problem) = outcome.fetch_failure();
        assert!(problem.to_string().contains(expected), "{problem} is not {expected}");
        assert_eq!(tries, 3, "{problem}");
    }
}

#[test]
fn redirects_are_followed_but_not_in_circles() {
    let site = site();
    let server = Server::honest(site.root());
    let elsewhere = server.url();
    let redirecting = Server::new(site.root(), move |request| {
        let location =
            format!("Location: {elsewhere}{}\r\n", request.target.trim_start_matches('/'));
        Reply::Raw(answer("307 Temporary Redirect", &location, b""))
    });
    let machine = site.machine(&[&redirecting.url()]);
    machine.boot().summary();
    site.assert_complete(&machine);

    let circle = Server::new(site.root(), |request| {
        Reply::Raw(answer("302 Found", &format!("Location: {}\r\n", request.target), b""))
    });
    let (tries, problem) = site.machine(&[&circle.url()]).boot().fetch_failure();
    assert!(problem.to_string().contains("redirects too often"), "{problem}");
    assert_eq!((tries, circle.requests()), (3, 3 * 6));
}

#[test]
fn a_server_without_end_does_no_harm() {
    // The file itself, and then more, without a length.
    let site = site();
    let (largest, file) = (site.largest().blob.to_string(), site.blob(&site.largest().blob));
    let server = Server::new(site.root(), move |request| {
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        if request.target.ends_with(&largest) {
            Reply::Endless([head, std::fs::read(&file).unwrap()].concat())
        } else {
            Reply::File
        }
    });
    let machine = site.machine(&[&server.url()]);
    machine.boot().summary();
    site.assert_complete(&machine);

    // Other content, a head without end, and chunks that have no size.
    let (_, _, outcome) = boot_with(|_, _| Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()));
    assert_eq!(outcome.fetch_failure(), (3, FetchProblem::WrongDigest));
    // The server may come back from these, so the machine tries until its patience ends. A busy
    // server may be too slow for one try or another.
    for endless in ["HTTP/1.1 200 OK\r\nX: y\r\n", "\0", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let endless_head = move |_: &Request, _: usize| Reply::Endless(endless.into());
        let (_, _, outcome) = boot(Machine::impatient, endless_head);
        outcome.fetch_failure();
        let is_malformed = |line: &ConsoleLine| {
            matches!(line, ConsoleLine::Retry { problem: FetchProblem::Malformed { .. }, .. })
        };
        assert!(outcome.lines.iter().any(is_malformed), "{endless:?}: {}", outcome.printed);
    }
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec();
    let (_, _, outcome) = boot(Machine::impatient, move |_, _| Reply::Raw(chunked.clone()));
    outcome.fetch_failure();
}

#[test]
fn a_server_that_sends_a_byte_now_and_then_ends_the_boot() {
    let boot_with = |rule: fn(&Request, usize) -> Reply| boot(Machine::impatient, rule);
    let (_, _, outcome) = boot_with(|_, size| {
        Reply::Drip(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").into())
    });
    let (_, problem) = outcome.fetch_failure();
    assert!(matches!(problem, FetchProblem::Stalled { .. }), "{problem}");
    // A head that does not end.
    let (_, _, outcome) = boot_with(|_, _| Reply::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec()));
    let (_, problem) = outcome.fetch_failure();
    assert!(matches!(problem, FetchProblem::Stalled { .. }), "{problem}");
}

#[test]
fn a_server_that_is_away_for_a_while_is_waited_for() {
    let site = site();
    let port = ReservedPort::new();
    let machine = site.machine(&[&format!("http://{}/", port.address())]);
    let root = site.root();
    let mut process = machine.start();
    // The program says that the server is away before it comes.
    let mut printed = std::io::BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("Connection refused") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut printed, &mut line).unwrap() > 0);
    }
    assert!(matches!(ConsoleLine::parse(&line), Some(ConsoleLine::Retry { .. })), "{line}");
    let server = Server::at(TcpListener::bind(port.address()).unwrap(), root, |_| Reply::File);
    std::io::copy(&mut printed, &mut std::io::sink()).unwrap();
    assert!(process.wait().unwrap().success());
    site.assert_complete(&machine);
    drop(server);
}

#[test]
fn a_server_that_stays_away_ends_the_boot() {
    let site = site();
    let port = ReservedPort::new();
    let url = format!("http://{}/", port.address());
    let (tries, problem) = site.machine(&[&url]).impatient().boot().fetch_failure();
    assert!(problem.to_string().contains("Connection refused"), "{problem}");
    assert!(tries > 3, "{tries}");
    // Errors of the server itself may pass too.
    let failing = Server::new(site.root(), |_| Reply::Raw(answer("503 Busy", "", b"")));
    let (tries, problem) = site.machine(&[&failing.url()]).impatient().boot().fetch_failure();
    assert_eq!(problem, FetchProblem::Refused { status: 503 });
    assert!(tries > 3, "{tries}");
    let hint = site.machine(&[&failing.url()]).impatient().boot().failure().hint();
    assert!(hint.contains(&failing.address().to_string()), "{hint}");
}

#[test]
fn a_mirror_takes_over_when_the_first_server_dies() {
    let site = site();
    let is_dead = Arc::new(AtomicBool::new(false));
    let largest = site.largest().blob.to_string();
    let dead = is_dead.clone();
    let dying = Server::new(site.root(), move |request| {
        if request.target.ends_with(&largest) {
            dead.store(true, Ordering::SeqCst);
            return Reply::Cut(500_000);
        }
        // The other connections find out that it is dead.
        while !request.target.contains("blobs") || !dead.load(Ordering::SeqCst) {
            if request.nth == 1 {
                return Reply::File;
            }
            thread::yield_now();
        }
        Reply::Cut(0)
    });
    let mirror = Server::honest(site.root());
    let machine = site.machine(&[&dying.url(), &mirror.url()]);
    let outcome = machine.boot();
    let summary = outcome.summary();
    assert!(summary.retries >= 1, "{}", outcome.printed);
    assert!(is_dead.load(Ordering::SeqCst));
    site.assert_complete(&machine);
    let took_over = |line: &ConsoleLine| {
        matches!(line, ConsoleLine::Mirror { to, .. }
        if to.to_string() == mirror.url())
    };
    assert!(outcome.lines.iter().any(took_over), "{}", outcome.printed);
    // The mirror sent only the rest of the cut blob.
    let sizes: u64 = site.index.entries().iter().map(|entry| entry.blob_size).sum();
    let index_size = std::fs::metadata(site.blob(&site.index_digest)).unwrap().len();
    assert_eq!(summary.from_network, sizes + index_size);
}

#[test]
fn wrong_content_of_one_source_does_not_stop_a_boot_with_a_mirror() {
    let site = site();
    let lying = Server::new(site.root(), |_| Reply::Flipped(20));
    let mirror = Server::honest(site.root());
    let machine = site.machine(&[&lying.url(), &mirror.url()]);
    let summary = machine.boot().summary();
    site.assert_complete(&machine);
    // After the index, the liar is not asked first.
    assert!(summary.retries < site.index.entries().len() as u64, "{summary:?}");
}
