//! Indexes that are wrong.

use netboot_closure::Sha256;
use netboot_closure::console::{FailureCause, FetchProblem, Item};

use crate::server::{Reply, Server};
use crate::site::{Machine, Site, sha256};

/// Boots with an index that the server has.
fn boot(site: &Site, index: &Sha256) -> FailureCause {
    let server = Server::honest(site.root());
    let line = format!("netboot.index={index} netboot.from={}", server.url());
    let machine = Machine::new(&line);
    let cause = machine.boot().failure().cause;
    let names = machine.names();
    assert!(names.iter().all(|name| name.starts_with(".partial-")), "{names:?}");
    cause
}

fn reason(cause: &FailureCause) -> &str {
    let FailureCause::IndexMalformed { reason } = cause else { panic!("{cause:?}") };
    reason.as_str()
}

#[test]
fn an_index_with_another_digest_is_refused() {
    let site = Site::new(&[1000]);
    let other = sha256(b"other");
    std::fs::write(site.blob(&other), site.index.to_string()).unwrap();
    let cause = boot(&site, &other);
    let FailureCause::FetchFailed { item: Item::Index, tries: 3, problem, url } = &cause else {
        panic!("{cause:?}")
    };
    assert_eq!(*problem, FetchProblem::WrongDigest);
    assert!(url.to_string().ends_with(&format!("/blobs/{other}")), "{url}");
    // Wrong once, it is fetched again.
    let server = Server::new(site.root(), |request| match request.nth {
        1 => Reply::Flipped(30),
        _ => Reply::File,
    });
    let machine = site.machine(&[&server.url()]);
    assert!(machine.boot().summary().retries >= 1);
    site.assert_complete(&machine);
}

#[test]
fn an_index_that_is_too_large_is_not_read() {
    let site = Site::new(&[1000]);
    let digest = sha256(b"large");
    let file = std::fs::File::create(site.blob(&digest)).unwrap();
    file.set_len((16 << 20) + 1).unwrap();
    let cause = boot(&site, &digest);
    let FailureCause::FetchFailed { problem: FetchProblem::TooLong { expected }, .. } = cause
    else {
        panic!("{cause:?}")
    };
    assert_eq!(expected, 16 << 20);
    // The server does not say its size.
    let server = Server::new(site.root(), |_| {
        Reply::Endless([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![0; 100_000]].concat())
    });
    let line = format!("netboot.index={digest} netboot.from={}", server.url());
    let (_, problem) = Machine::new(&line).boot().fetch_failure();
    assert_eq!(problem, FetchProblem::TooLong { expected: 16 << 20 });
}

#[test]
fn an_index_that_unpacks_to_much_more_is_refused() {
    let site = Site::new(&[1000]);
    let bomb = zstd::encode_all(&vec![b'a'; 100 << 20][..], 19).unwrap();
    assert!(bomb.len() < 100_000);
    let cause = boot(&site, &site.publish(&bomb));
    assert!(reason(&cause).contains("unpacks to more than 67108864 bytes"), "{cause:?}");
    // A window of 128 MiB would take as much memory.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    std::io::Write::write_all(&mut encoder, site.index.to_string().as_bytes()).unwrap();
    let cause = boot(&site, &site.publish(&encoder.finish().unwrap()));
    assert!(reason(&cause).contains("memory"), "{cause:?}");
}

#[test]
fn an_index_that_cannot_be_understood_is_refused() {
    let site = Site::new(&[1000]);
    let text = site.index.to_string();
    let cut = text.trim_end();
    let newer = text.replace("netboot-index 1", "netboot-index 2");
    for wrong in ["", "not an index", cut, &newer, &text.replace("paths 1", "paths 2")] {
        let cause = boot(&site, &site.publish_index(wrong));
        assert!(reason(&cause).contains("the index is damaged"), "{cause:?}");
    }
    let frame = zstd::encode_all(text.as_bytes(), 3).unwrap();
    for wrong in [b"text".to_vec(), frame[..20].to_vec(), [&frame[..], &frame].concat()] {
        boot(&site, &site.publish(&wrong));
    }
    let not_text = site.publish(&zstd::encode_all(&[0xff; 9][..], 3).unwrap());
    assert!(reason(&boot(&site, &not_text)).contains("utf-8"));
}

/// Publishes the index of a site with one entry changed.
fn changed(site: &Site, from: &str, to: &str) -> Sha256 {
    let text = site.index.to_string();
    assert!(text.contains(from), "{from}");
    site.publish_index(&text.replace(from, to))
}

#[test]
fn an_index_that_lies_about_a_store_path_is_noticed() {
    let site = Site::new(&[1000]);
    let entry = &site.index.entries()[0];
    let refused = |index: &Sha256| {
        let cause = boot(&site, index);
        let FailureCause::PathRefused { path, reason } = &cause else { panic!("{cause:?}") };
        assert_eq!(*path, entry.path);
        reason.to_string()
    };
    let hash = entry.nar_hash.to_base32();
    let other = refused(&changed(&site, &hash, &sha256(b"other").to_base32()));
    assert!(other.contains("another archive"), "{other}");
    let nar_size = format!(" {} ", entry.nar_size);
    let larger = refused(&changed(&site, &nar_size, &format!(" {} ", entry.nar_size + 8)));
    assert!(larger.contains("another archive"), "{larger}");
    let smaller = refused(&changed(&site, &nar_size, &format!(" {} ", entry.nar_size - 8)));
    assert!(smaller.contains("bytes"), "{smaller}");
    let text = site.index.to_string().replace(" 5\n", " 4\n").replace(" 5 -", " 4 -");
    let inodes = refused(&site.publish_index(&text));
    assert!(inodes.contains("4 files"), "{inodes}");
}

#[test]
fn a_blob_that_is_no_archive_is_refused() {
    let site = Site::new(&[1000]);
    let entry = &site.index.entries()[0];
    let frame = std::fs::read(site.blob(&entry.blob)).unwrap();
    let archive = zstd::decode_all(&frame[..]).unwrap();
    let bomb = zstd::encode_all(&vec![0; 50 << 20][..], 19).unwrap();
    let mut wide = zstd::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(27).unwrap();
    std::io::Write::write_all(&mut wide, &archive).unwrap();
    for (wrong, expected) in [
        (b"no frame".to_vec(), "cannot read the archive"),
        ([&frame[..], &frame].concat(), "after the frame"),
        (frame[..frame.len() - 10].to_vec(), "cannot read the archive"),
        (bomb, "the archive is damaged"),
        (wide.finish().unwrap(), "memory"),
    ] {
        let digest = site.publish(&wrong);
        let text = site.index.to_string();
        let text = text.replace(
            &format!("{} {} ", entry.blob, entry.blob_size),
            &format!("{digest} {} ", wrong.len()),
        );
        let cause = boot(&site, &site.publish_index(&text));
        let FailureCause::PathRefused { reason, .. } = &cause else { panic!("{cause:?}") };
        assert!(reason.as_str().contains(expected), "{reason}");
    }
    let empty = site.index.to_string().replace(&format!(" {} ", entry.blob_size), " 0 ");
    assert!(matches!(boot(&site, &site.publish_index(&empty)), FailureCause::PathRefused { .. }));
}
