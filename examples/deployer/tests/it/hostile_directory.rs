//! A directory with releases that another user may write to, or whose file system hangs.

use std::os::unix::fs::symlink;
use std::time::Instant;

use netboot_testbed::{HungFileSystem, TestProcess};
use reqwest::StatusCode;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use crate::service::{PATIENCE, Place, SITES, TOKEN};
use crate::small_release;

#[tokio::test]
async fn no_link_leads_to_the_service_s_own_files() {
    let place = Place::new("links");
    let site = place.path(SITES[0]);
    let publisher = place.publisher(SITES[0]).with_legacy_links(true);
    small_release::publish(&publisher, small_release::renderer(), &["worker"]).await;
    std::fs::write(place.path("token"), TOKEN).unwrap();
    for (link, target) in [
        ("rootlink", "/"),
        ("up", ".."),
        ("token", "../token"),
        ("worker/token", "../token"),
        ("configuration", "../netboot.toml"),
        ("zero", "/dev/zero"),
        ("own", "own"),
    ] {
        symlink(target, site.join(link)).unwrap();
    }
    mknodat(CWD, site.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    mknodat(CWD, site.join("socket"), FileType::Socket, Mode::RWXU, 0).unwrap();
    let service = place.start();
    let token = format!("rootlink{}", place.path("token").display());
    let paths = [
        token.as_str(),
        "up/token",
        "token",
        "worker/token",
        "configuration",
        "zero",
        "own",
        "pipe",
        "socket",
    ];
    for path in paths.iter().chain(&paths) {
        let answer = service.get(&format!("/published/{path}")).timeout(PATIENCE);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.text().await.unwrap().contains(TOKEN), "{path}");
    }
    // Links that netboot makes lead to blobs.
    for path in ["worker/bzImage", "worker/initrd", "current.ipxe"] {
        let answer = service.get(&format!("/published/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let (_, said) = service.end(Signal::TERM);
    assert_eq!(said.matches("/rootlink/").count(), 1, "{said}");
    assert!(said.contains("not served: ") && said.contains("is a symbolic link"), "{said}");
}

#[test]
fn a_hung_directory_stops_neither_the_service_nor_its_end() {
    let name = "hostile_directory::a_hung_directory_stops_neither_the_service_nor_its_end";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    // The service inherits the limit.
    let files = Rlimit { current: Some(4096), maximum: Some(4096) };
    setrlimit(Resource::Nofile, files).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let place = Place::new("hung");
        let publisher = place.publisher(SITES[0]);
        small_release::publish(&publisher, small_release::renderer(), &["worker"]).await;
        let service = place.start();
        assert_eq!(service.get("/healthz").send().await.unwrap().text().await.unwrap(), "ok\n");
        let hung = HungFileSystem::mount(&place.path(SITES[0]));

        // The requests come from several addresses, because each may have only some connections.
        let url = format!("{}/published/current.ipxe", service.url);
        let mut waiting = Vec::new();
        for number in 0..20 {
            let address = std::net::Ipv4Addr::new(127, 0, 1, number);
            let client = reqwest::Client::builder().local_address(Some(address.into()));
            let client = client.build().unwrap();
            for _ in 0..50 {
                let request = client.get(&url).send();
                waiting.push(tokio::spawn(async move { request.await.map(|it| it.status()) }));
            }
        }
        let begin = Instant::now();
        let entry = service.get("/boot").send().await.unwrap();
        assert_eq!(entry.status(), StatusCode::OK);
        assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
        let health = service.get("/healthz").timeout(PATIENCE).send().await.unwrap();
        assert_eq!(health.status(), StatusCode::SERVICE_UNAVAILABLE);
        let told = health.text().await.unwrap();
        assert!(told.starts_with("failed\nthe published releases: "), "{told}");
        let mut refused = 0;
        for answer in waiting {
            let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap();
            let status = answer.unwrap();
            assert!(!status.as_ref().is_ok_and(StatusCode::is_success), "{status:?}");
            refused += usize::from(status.is_ok_and(|it| it == StatusCode::SERVICE_UNAVAILABLE));
        }
        assert!(refused > 100, "{refused}");

        // Requests that still wait do not hold up the end.
        let late = tokio::spawn(service.get("/published/boot.ipxe").send());
        let begin = Instant::now();
        let (_, said) = service.end(Signal::TERM);
        let took = begin.elapsed();
        assert!(took < PATIENCE, "{took:?}: {said}");
        drop(late);
        drop(hung);
    });
}
