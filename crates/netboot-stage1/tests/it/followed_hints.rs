//! The last word of stage 1 is followed, and the machine boots.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netboot_closure::console::{Failure, FailureCause, FetchProblem, StoreForm};
use netboot_testbed::ReservedPort;

use crate::mount_namespace::is_inside;
use crate::server::{Reply, Server, answer};
use crate::site::{Machine, Site};
use crate::store::remove_zram;

/// Asserts that the machine fails with this advice, and returns the last word.
fn advised(machine: &Machine, advice: &str) -> Failure {
    let outcome = machine.boot();
    let failure = outcome.failure();
    let hint = failure.hint();
    assert!(hint.contains(advice), "{failure}: {hint}");
    assert!(outcome.printed.contains(&format!("What to do: {hint}.")), "{}", outcome.printed);
    failure
}

/// Asserts that the machine boots.
fn boots(site: &Site, machine: &Machine) {
    machine.boot().summary();
    site.assert_complete(machine);
}

fn site() -> Site {
    Site::new(&[3000, 1_500_000])
}

#[test]
fn a_machine_that_is_told_its_parameters_boots() {
    let site = site();
    let server = Server::honest(site.root());
    let index = format!("netboot.index={}", site.index_digest);
    let from = format!("netboot.from={}", server.url());
    let right = || site.machine(&[&server.url()]);
    for line in ["quiet", &index, &from] {
        let hint = "it passes netboot.index and netboot.from to the kernel";
        advised(&Machine::new(line), hint);
        boots(&site, &right());
    }
    let wrong = right();
    wrong.add_parameter("netboot.store=disc");
    let failure = advised(&wrong, "correct the parameter where it is set");
    assert!(failure.to_string().contains("should be auto, tmpfs, zram or disk"), "{failure}");
    let corrected = right();
    corrected.add_parameter("netboot.store=disk");
    boots(&site, &corrected);
}

/// A server that behaves by a rule until an operator mends it.
fn mendable(
    site: &Site,
    rule: impl Fn() -> Reply + Send + Sync + 'static,
) -> (Server, Arc<AtomicBool>) {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = mended.clone();
    let server = Server::new(site.root(), move |_| {
        if is_mended.load(Ordering::SeqCst) { Reply::File } else { rule() }
    });
    (server, mended)
}

#[test]
fn a_server_that_allows_everybody_to_read_is_used() {
    let site = site();
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let (server, mended) = mendable(&site, move || Reply::Raw(answer(status, "", b"")));
        let hint = format!("allow reading without a password on {}", server.address());
        advised(&site.machine(&[&server.url()]), &hint);
        mended.store(true, Ordering::SeqCst);
        boots(&site, &site.machine(&[&server.url()]));
    }
}

#[test]
fn the_web_server_of_the_release_is_used_and_no_proxy_between() {
    let site = site();
    let page = answer("200 OK", "Content-Type: text/html\r\n", b"<html>Please log in</html>");
    let (server, mended) = mendable(&site, move || Reply::Raw(page.clone()));
    let hint = format!("check that {} is the web server of the release", server.address());
    advised(&site.machine(&[&server.url()]), &hint);
    let right = Server::honest(site.root());
    boots(&site, &site.machine(&[&right.url()]));
    mended.store(true, Ordering::SeqCst);
    boots(&site, &site.machine(&[&server.url()]));
}

#[test]
fn a_mirror_or_a_server_that_runs_is_used() {
    let site = site();
    let port = ReservedPort::new();
    let address = port.address();
    let url = format!("http://{address}/");
    let hint = format!("check that the web server {address} runs");
    let failure = advised(&site.machine(&[&url]).impatient(), &hint);
    assert!(failure.hint().contains("give netboot.from a second time to name a mirror"));
    let mirror = Server::honest(site.root());
    boots(&site, &site.machine(&[&url, &mirror.url()]));
    let listener = std::net::TcpListener::bind(address).unwrap();
    let started = Server::at(listener, site.root(), |_| Reply::File);
    boots(&site, &site.machine(&[&started.url()]));
}

#[test]
fn a_release_that_is_published_again_is_whole() {
    let site = site();
    let server = Server::honest(site.root());
    let machine = || site.machine(&[&server.url()]);
    let blob = site.blob(&site.largest().blob);
    let whole = fs::read(&blob).unwrap();
    let publish_again = || fs::write(&blob, &whole).unwrap();

    fs::remove_file(&blob).unwrap();
    let lacks = format!("which sends the files that {} lacks", server.address());
    advised(&machine(), &lacks);
    publish_again();
    boots(&site, &machine());
    let elsewhere = format!("{}nixos/", server.url());
    let wrong = site.machine(&[&elsewhere]);
    advised(&wrong, "if it has the file, correct netboot.from, the URL above `blobs/`");
    boots(&site, &machine());

    let mut flipped = whole.clone();
    flipped[900] ^= 1;
    let hint = "verify the published release, and publish it again if a file is damaged";
    for damaged in [&flipped[..], &whole[..whole.len() - 9], &[&whole[..], b"more"].concat()] {
        fs::write(&blob, damaged).unwrap();
        let failure = advised(&machine(), hint);
        let FailureCause::FetchFailed { problem, .. } = &failure.cause else { panic!("{failure}") };
        let is_damage = matches!(
            problem,
            FetchProblem::WrongDigest
                | FetchProblem::Truncated { .. }
                | FetchProblem::TooLong { .. }
        );
        assert!(is_damage, "{problem}");
        publish_again();
        boots(&site, &machine());
    }
    // The file is whole, and something between changes it.
    let cache = Server::new(site.root(), |_| Reply::Flipped(30));
    let failure = advised(&site.machine(&[&cache.url()]), hint);
    let address = format!("look for a proxy or a cache in front of {}", cache.address());
    assert!(failure.hint().contains(&address), "{}", failure.hint());
    boots(&site, &machine());
}

#[test]
fn an_image_that_is_published_again_is_read() {
    let site = site();
    let server = Server::honest(site.root());
    let with_index = |text: &str| {
        let index = site.publish_index(text);
        Machine::new(&format!("netboot.index={index} netboot.from={}", server.url()))
    };
    let text = site.index.to_string();
    let again = || boots(&site, &with_index(&text));
    let newer = text.replace("netboot-index 1", "netboot-index 2");
    let hint = "publish the image again with one version of Netboot";
    advised(&with_index(&newer), hint);
    again();
    let other_hash = crate::site::sha256(b"other").to_base32();
    let refused = text.replace(&site.largest().nar_hash.to_base32(), &other_hash);
    let hint = format!(
        "check the store that built the image with `nix-store --verify-path {}`, and publish",
        site.largest().path
    );
    advised(&with_index(&refused), &hint);
    again();
    let no_init = text.replacen("/init\n", "/bin/init\n", 1);
    assert_ne!(no_init, text);
    let failure = advised(&with_index(&no_init), "its index names an init that the closure");
    assert!(matches!(failure.cause, FailureCause::InitMissing { .. }), "{failure}");
    again();
}

#[test]
fn a_machine_with_the_memory_that_is_missing_boots() {
    let site = Site::new(&[1000, 5_000_000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    machine.add_parameter("netboot.store=tmpfs");
    let available = 100 << 20;
    machine.set_memory(available);
    let failure = advised(&machine, "give the machine at least ");
    let hint = failure.hint();
    assert!(hint.contains("or let the store go on zram, which needs less"), "{hint}");
    let mebibytes: u64 = hint.split(' ').nth(5).unwrap().parse().unwrap();
    machine.set_memory(available + ((mebibytes - 1) << 20));
    advised(&machine, "give the machine at least 1 MiB more memory");
    machine.set_memory(available + (mebibytes << 20));
    boots(&site, &machine);
}

#[test]
fn a_store_with_room_takes_the_closure() {
    if !is_inside("followed_hints::a_store_with_room_takes_the_closure") {
        return;
    }
    let site = Site::new(&[1000, 5_000_000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    let place = machine.store().parent().unwrap().to_owned();
    let lines = fs::read_to_string(place.join("cmdline")).unwrap();
    let memory = fs::read_to_string(place.join("meminfo")).unwrap();
    let mount = |options: &str| {
        let status = std::process::Command::new(netboot_testbed::tool("mount"))
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(&place)
            .status();
        assert!(status.unwrap().success());
        fs::write(place.join("cmdline"), &lines).unwrap();
        fs::write(place.join("meminfo"), &memory).unwrap();
    };
    mount("size=3m");
    let hint = "mount a tmpfs over the directory of the store";
    let failure = advised(&machine, hint);
    assert!(matches!(failure.cause, FailureCause::StoreTooSmall { .. }), "{failure}");
    // With more memory for the file system, and as the hint says.
    mount("remount,size=64m");
    boots(&site, &machine);
    fs::remove_dir_all(machine.store()).unwrap();
    mount("remount,size=3m");
    advised(&machine, hint);
    let own = machine.with(&["--mount"]);
    own.boot().summary();
    site.assert_complete(&own);
}

#[test]
fn a_store_that_another_program_filled_has_room_with_more_memory() {
    if !is_inside("followed_hints::a_store_that_another_program_filled_has_room_with_more_memory") {
        return;
    }
    let site = Site::new(&[1000, 5_000_000]);
    let honest = Server::honest(site.root());
    let machine = site.machine(&[&honest.url()]);
    let place = machine.store();
    fs::create_dir_all(&place).unwrap();
    let mount = |options: &str| {
        let status = std::process::Command::new(netboot_testbed::tool("mount"))
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(place.parent().unwrap())
            .status();
        assert!(status.unwrap().success());
    };
    let files = ["cmdline", "meminfo"].map(|name| {
        let file = place.with_file_name(name);
        (file.clone(), fs::read(file).unwrap())
    });
    mount("size=8m");
    let ballast = place.with_file_name("filler");
    let filled = Server::new(site.root(), move |request| {
        if request.nth == 1 && !ballast.exists() {
            fs::write(&ballast, vec![7; 6_000_000]).unwrap();
        }
        Reply::File
    });
    let write = |from: &str| {
        for (file, content) in &files {
            fs::write(file, content).unwrap();
        }
        let line = format!("netboot.index={} netboot.from={from}\n", site.index_digest);
        fs::write(&files[0].0, line).unwrap();
    };
    write(&filled.url());
    let failure = advised(&machine, "give the machine more memory, or ");
    let is_full = matches!(
        failure.cause,
        FailureCause::StoreFull { .. } | FailureCause::StoreTooSmall { .. }
    );
    assert!(is_full, "{failure}");
    mount("remount,size=64m");
    write(&honest.url());
    boots(&site, &machine);
}

/// Follows both ways of the hint.
#[test]
fn a_machine_with_the_memory_that_zram_lacks_boots() {
    if !is_inside("followed_hints::a_machine_with_the_memory_that_zram_lacks_boots") {
        return;
    }
    let site = Site::new(&[1000, 40_000_000]);
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    let available = 300 << 20;
    machine.set_memory(available);
    let failure = advised(&machine, "MiB more memory, or make the closure smaller");
    let FailureCause::MemoryTooSmall { form: StoreForm::Zram, .. } = &failure.cause else {
        panic!("{failure}")
    };
    let mebibytes: u64 = failure.hint().split(' ').nth(5).unwrap().parse().unwrap();
    machine.set_memory(available + (mebibytes << 20));
    boots(&site, &machine);
    // Rounded up to MiB, it may be enough for a tmpfs too.
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    if mounts.contains(machine.store().to_str().unwrap()) {
        remove_zram(&machine.store());
    }

    let smaller = Site::new(&[1000]);
    let server = Server::honest(smaller.root());
    let machine = smaller.machine(&[&server.url()]);
    machine.set_memory(available + ((mebibytes - 1) << 20));
    boots(&smaller, &machine);
}
