//! Hints about what verification found, at the target and over HTTP.
#![cfg(all(feature = "http", feature = "local", feature = "minisign"))]

use std::fs;
use std::path::Path;

use netboot_core::{Context, Release, layout};
use netboot_publish::contract::sample_release;
use netboot_publish::{
    Finding, LocalStore, PublicUrl, Publisher, RepairSource, Retention, VerifyDepth, VerifyReport,
};
use netboot_qemu::DirectoryServer;
use netboot_testbed::ReservedPort;
use tempfile::TempDir;

use super::{assert_clean, assert_only, hint, verify};
use crate::web::{LyingServer, TlsServer, answer};

async fn published(release: &Release) -> (TempDir, Publisher) {
    let root = TempDir::new().unwrap();
    let publisher = Publisher::new(LocalStore::new(root.path()));
    publisher.publish(release, &Context::new()).await.unwrap();
    (root, publisher)
}

fn initrd(release: &Release) -> String {
    layout::blob(&release.manifest().images()["worker"].initrds[0].sha256).to_string()
}

async fn repair(publisher: &Publisher, release: &Release) {
    let sources = [RepairSource::release(release)];
    let report = publisher.repair(release.id(), &sources, &Context::new()).await.unwrap();
    assert!(report.is_whole(), "{report}");
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Looks at the target through a web server.
async fn from_outside(publisher: &Publisher, url: &str) -> VerifyReport {
    let url = PublicUrl::new(url).unwrap();
    publisher.verify_public(&url, VerifyDepth::Content, &Context::new()).await.unwrap()
}

#[tokio::test]
async fn objects_that_are_lost_or_damaged_are_repaired() {
    let release = sample_release("one");
    let (root, publisher) = published(&release).await;
    let initrd = root.path().join(initrd(&release));
    let text =
        "run `repair`; if the file is intact at the target, check that the web server serves";
    let damages: [&dyn Fn(); 3] =
        [&|| fs::remove_file(&initrd).unwrap(), &|| fs::write(&initrd, "short").unwrap(), &|| {
            flip(&initrd);
        }];
    for damage in damages {
        damage();
        assert_only(&verify(&publisher).await, text);
        repair(&publisher, &release).await;
        assert_clean(&publisher).await;
    }
    // The file is intact, and the web server changes it.
    let changed = answer("200 OK", "", b"changed on its way");
    let place = self::initrd(&release);
    let lying = LyingServer::start(root.path(), [(place.as_str(), changed)]).await;
    assert_only(&from_outside(&publisher, &lying.url()).await, text);
    let honest = DirectoryServer::start(root.path()).await.unwrap();
    assert!(from_outside(&publisher, honest.url("").as_str()).await.is_clean());
}

#[tokio::test]
async fn a_manifest_is_repaired_or_published_again() {
    let release = sample_release("one");
    let (root, publisher) = published(&release).await;
    let manifest = layout::in_release(release.id(), &layout::manifest());
    let manifest = root.path().join(manifest.as_str());
    for repairs in [true, false] {
        fs::write(&manifest, "{").unwrap();
        assert_only(&verify(&publisher).await, "run `repair`, or publish the release again");
        if repairs {
            repair(&publisher, &release).await;
        } else {
            publisher.publish(&release, &Context::new()).await.unwrap();
        }
        assert_clean(&publisher).await;
    }
}

#[tokio::test]
async fn files_of_others_are_moved_away_or_replaced() {
    let release = sample_release("one");
    let (root, publisher) = published(&release).await;
    let context = Context::new();
    let entry = root.path().join("boot.ipxe");
    let text = "move the file away, or let the publisher replace files of others";
    for moves in [true, false] {
        fs::write(&entry, "#!ipxe\necho by hand\n").unwrap();
        assert_only(&verify(&publisher).await, text);
        let error = publisher.activate(release.id(), &context).await.unwrap_err();
        hint(
            &error,
            "move `boot.ipxe` away, publish to another place, or let the publisher replace",
        );
        if moves {
            fs::rename(&entry, root.path().join("by-hand.txt")).unwrap();
            publisher.activate(release.id(), &context).await.unwrap();
        } else {
            let replacing = publisher.clone().with_replace_foreign(true);
            replacing.activate(release.id(), &context).await.unwrap();
        }
        assert_clean(&publisher).await;
    }
    fs::write(&entry, "#!ipxe\necho by hand\n").unwrap();
    published(&release).await.1.activate(release.id(), &context).await.unwrap();
    repair(&publisher.clone().with_replace_foreign(true), &release).await;

    // A file that belongs to no release.
    let strange = root.path().join("blobs/notes.txt");
    fs::write(&strange, "notes").unwrap();
    assert_only(
        &verify(&publisher).await,
        "move it away if nobody needs it; netboot never deletes",
    );
    fs::rename(&strange, root.path().join("notes.txt")).unwrap();
    assert_clean(&publisher).await;
}

#[tokio::test]
async fn entry_points_and_pointers_are_written_again() {
    let release = sample_release("one");
    let (root, publisher) = published(&release).await;
    let context = Context::new();
    let text = "publish or activate the live release again: that writes the file";
    for activates in [true, false] {
        let older = "#!ipxe\n# Generated by netboot\necho older\n";
        fs::write(root.path().join("boot.ipxe"), older).unwrap();
        assert_only(&verify(&publisher).await, text);
        if activates {
            publisher.activate(release.id(), &context).await.unwrap();
        } else {
            publisher.publish(&release, &context).await.unwrap();
        }
        assert_clean(&publisher).await;
    }
    let pointer = root.path().join("current.ipxe");
    let sound = fs::read_to_string(&pointer).unwrap();
    let text = "run `repair`; if its history is damaged, delete it and activate the release";
    fs::write(&pointer, sound.replacen("chain ", "echo x\nchain ", 1)).unwrap();
    assert_only(&verify(&publisher).await, text);
    repair(&publisher, &release).await;
    assert_clean(&publisher).await;
    fs::write(&pointer, format!("{sound}# netboot damaged\n")).unwrap();
    assert_only(&verify(&publisher).await, text);
    fs::remove_file(&pointer).unwrap();
    publisher.activate(release.id(), &context).await.unwrap();
    assert_clean(&publisher).await;
}

#[tokio::test]
async fn what_is_incomplete_is_staged_again_or_pruned() {
    let [one, two] = ["one", "two"].map(sample_release);
    for stages in [true, false] {
        let (root, publisher) = published(&one).await;
        publisher.stage(&two, &Context::new()).await.unwrap();
        // As a publisher that was killed leaves it.
        let at = |file| root.path().join(layout::in_release(two.id(), &file).as_str());
        let manifest = at(layout::manifest());
        fs::rename(&manifest, at("incomplete.json".parse().unwrap())).unwrap();
        let text = "stage it again if you want it; otherwise pruning deletes it after its grace";
        assert_only(&verify(&publisher).await, text);
        if stages {
            publisher.stage(&two, &Context::new()).await.unwrap();
            assert!(publisher.releases().await.unwrap().contains(two.id()));
        } else {
            let day = std::time::Duration::from_secs(24 * 3600 + 60);
            let later = netboot_publish::contract::later(&publisher, day);
            let report = later.prune(&Retention::default(), &Context::new()).await.unwrap();
            assert_eq!(report.deleted, [*two.id()].into());
        }
        assert_clean(&publisher).await;
    }
}

/// A web server, and then one that does what the hint says.
#[tokio::test]
async fn a_web_server_that_is_set_right_serves_what_is_published() {
    let [one, two] = ["one", "two"].map(sample_release);
    let (root, publisher) = published(&one).await;
    let old = fs::read(root.path().join("current.ipxe")).unwrap();
    publisher.publish(&two, &Context::new()).await.unwrap();
    let initrd = initrd(&two);
    let bytes = fs::read(root.path().join(&initrd)).unwrap();
    let raw = |head: String| [head.as_bytes(), &bytes[..]].concat();
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len() + 7);
    let without = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned();
    for (path, lie, text) in [
        (
            &*initrd,
            answer("403 Forbidden", "", b"no"),
            "otherwise let everyone read the file without a password",
        ),
        (
            &*initrd,
            answer("401 Unauthorized", "", b"no"),
            "allow reading without a password: iPXE sends none",
        ),
        (
            &*initrd,
            answer("500 Internal Server Error", "", b"oh"),
            "read the web server's log: it does not serve a file that the target has",
        ),
        (
            "current.ipxe",
            answer("302 Found", "Location: /login\r\n", b""),
            "serve the file at this URL, over plain http and without a login page",
        ),
        (&*initrd, raw(long), "check that the web server and every proxy send whole files and"),
        (&*initrd, raw(without), "make the web server announce the length (Content-Length)"),
        (
            "current.ipxe",
            answer("200 OK", "Age: 60\r\n", &old),
            "forbid caching of the pointer (`Cache-Control: no-cache` for `*.ipxe` in the root)",
        ),
    ] {
        let login = ("login", answer("200 OK", "", b"<html>log in</html>"));
        let lying = LyingServer::start(root.path(), [(path, lie), login]).await;
        assert_only(&from_outside(&publisher, &lying.url()).await, text);
    }
    let honest = DirectoryServer::start(root.path()).await.unwrap();
    assert!(from_outside(&publisher, honest.url("").as_str()).await.is_clean());
}

/// A bucket that nobody may list answers 403 for what it does not have.
#[tokio::test]
async fn a_file_that_is_gone_behind_403_is_repaired() {
    let release = sample_release("one");
    let (root, publisher) = published(&release).await;
    let initrd = initrd(&release);
    fs::remove_file(root.path().join(&initrd)).unwrap();
    let refused = answer("403 Forbidden", "", b"<Code>AccessDenied</Code>");
    let bucket = LyingServer::start(root.path(), [(initrd.as_str(), refused)]).await;
    let url = PublicUrl::new(&bucket.url()).unwrap();
    let report = url.verify(VerifyDepth::Listing, &Context::new()).await.unwrap();
    assert!(matches!(report.findings[..], [Finding::Refused { status: 403, .. }]), "{report}");
    assert_only(&report, "run `repair` if the target has lost the file");
    repair(&publisher, &release).await;
    let honest = DirectoryServer::start(root.path()).await.unwrap();
    assert!(from_outside(&publisher, honest.url("").as_str()).await.is_clean());
}

#[tokio::test]
async fn a_web_server_that_cannot_be_reached_is_started_named_and_trusted() {
    let (root, _) = published(&sample_release("one")).await;
    let look = async |url: PublicUrl| url.verify(VerifyDepth::Listing, &Context::new()).await;
    let text =
        "check that the web server runs, that its name has an address, and that this machine";
    let closed = ReservedPort::new();
    for url in [format!("http://{}/", closed.address()), "http://no-such-host.invalid/".to_owned()]
    {
        hint(&look(PublicUrl::new(&url).unwrap()).await.unwrap_err(), text);
    }
    let server = DirectoryServer::start(root.path()).await.unwrap();
    assert!(look(PublicUrl::new(server.url("").as_str()).unwrap()).await.unwrap().is_clean());
    let server = TlsServer::start(root.path());
    let url = PublicUrl::new(&server.url()).unwrap();
    hint(&look(url.clone()).await.unwrap_err(), text);
    let url = url.with_certificate_authorities(&server.authority()).unwrap();
    url.verify(VerifyDepth::Content, &Context::new()).await.unwrap();
}
