//! Requests that a browser makes for somebody else: under another name of this service (DNS
//! rebinding), or from a page of another site.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::{Method, StatusCode};
use rustix::process::Signal;

use crate::service::{Place, SITES, Service, TOKEN};
use crate::small_release;

/// A service with a live release, whose URL is that of [`Place::configure`].
async fn service(hosts: &str) -> (Place, Service) {
    let place = Place::new("names");
    let text = std::fs::read_to_string(place.path("netboot.toml")).unwrap();
    place.write_configuration(&text.replace("[deployer]", &format!("[deployer]\n{hosts}")));
    let publisher = place.publisher(SITES[0]);
    small_release::publish(&publisher, small_release::renderer(), &["worker"]).await;
    let service = place.start();
    (place, service)
}

/// The status of the answer to a request with this first line and these headers.
fn status(service: &Service, first: &str, headers: &[String]) -> u16 {
    let mut client = TcpStream::connect(service.address()).unwrap();
    let lines = [&[first.to_owned()], headers, &["Connection: close\r\n\r\n".to_owned()]].concat();
    client.write_all(lines.join("\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer[9..12].parse().unwrap_or_else(|_| panic!("{answer}"))
}

const PATHS: [&str; 8] = [
    "/",
    "/boot",
    "/published/current.ipxe",
    "/report?stage=init&mac=52:54:00:00:00:01",
    "/healthz",
    "/api/jobs",
    "/api/machines",
    "/api/releases",
];

#[tokio::test]
async fn requests_under_another_name_are_refused_on_every_route() {
    let (_place, service) = service("hosts = ['Deployer.example.org', 'fd00::7']").await;
    let port = service.address().port();
    let host = |host: &str| vec![format!("Host: {host}")];
    for path in PATHS {
        let get = format!("GET {path} HTTP/1.1");
        for own in [
            // Every name and address of the configuration, and the one that was connected to.
            &format!("127.0.0.1:{port}"),
            "127.0.0.1",
            "192.0.2.1",
            "192.0.2.1:80",
            "deployer.example.org",
            "DEPLOYER.Example.Org.:8080",
            "[fd00::7]:8080",
            "[FD00:0::0:7]",
            "[::ffff:127.0.0.1]",
            "localhost:8080",
        ] {
            assert_eq!(status(&service, &get, &host(own)), 200, "{path} {own}");
        }
        for other in [
            "evil.example",
            "evil.example:80",
            "deployer.example.org.evil.example",
            "127.0.0.1.evil.example",
            "deployer",
            "192.0.2.2",
            "[fd00::8]",
            "[::1]",
            "0.0.0.0",
            "user@127.0.0.1",
        ] {
            assert_eq!(status(&service, &get, &host(other)), 421, "{path} {other}");
        }
    }
    // A path that does not exist shows nothing either.
    assert_eq!(status(&service, "GET /absent HTTP/1.1", &host("evil.example")), 421);
    let (_, said) = service.end(Signal::TERM);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("refused")).collect();
    assert_eq!(lines, ["127.0.0.1: asked for the host `evil.example`: refused"]);
}

#[tokio::test]
async fn the_host_of_a_request_has_to_be_clear() {
    let (_place, service) = service("").await;
    let [own, other] = ["127.0.0.1", "evil.example"].map(|host| format!("Host: {host}"));
    let empty = "Host:".to_owned();
    for (first, headers, expected) in [
        ("GET /boot HTTP/1.1", vec![], 400),
        ("GET /boot HTTP/1.1", vec![own.clone(), own.clone()], 400),
        ("GET /boot HTTP/1.1", vec![own.clone(), other.clone()], 400),
        ("GET /boot HTTP/1.1", vec![other.clone(), own.clone()], 400),
        ("GET /boot HTTP/1.1", vec![empty], 421),
        ("GET http://127.0.0.1/boot HTTP/1.1", vec![own.clone()], 200),
        ("GET http://evil.example/boot HTTP/1.1", vec![own.clone()], 421),
        ("GET http://127.0.0.1/boot HTTP/1.1", vec![other.clone()], 421),
        ("GET http://u@127.0.0.1/boot HTTP/1.1", vec![own.clone()], 421),
        // Boot loaders with HTTP/1.0 send no host. Browsers always do.
        ("GET /boot HTTP/1.0", vec![], 200),
        ("GET /boot HTTP/1.0", vec![own], 200),
        ("GET /boot HTTP/1.0", vec![other], 421),
        ("GET http://evil.example/boot HTTP/1.0", vec![], 421),
    ] {
        assert_eq!(status(&service, first, &headers), expected, "{first} {headers:?}");
    }
}

#[tokio::test]
async fn text_of_a_client_forges_no_line_of_the_log() {
    let (_place, service) = service("").await;
    let host = vec![format!("Host: evil\u{9b}31m\u{202e}{}", "x".repeat(5000))];
    assert_eq!(status(&service, "GET / HTTP/1.1", &host), 421);
    let (_, said) = service.end(Signal::TERM);
    let line = said.lines().find(|line| line.contains("asked for")).unwrap();
    assert!(line.is_ascii() && line.len() < 300, "{line}");
}

#[tokio::test]
async fn pages_of_other_sites_reach_nothing_private_and_change_nothing() {
    let (_place, service) = service("").await;
    let port = service.address().port();
    let own = format!("Origin: http://127.0.0.1:{port}");
    let site = |value: &str| format!("Sec-Fetch-Site: {value}");
    let link = ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
    let report = "/report?stage=init&mac=52:54:00:00:00:01";
    let ask = |method: &str, path: &str, headers: &[&str]| {
        let mut all = vec![format!("Host: 127.0.0.1:{port}")];
        all.extend(headers.iter().map(|header| (*header).to_owned()));
        status(&service, &format!("{method} {path} HTTP/1.1"), &all)
    };
    for path in ["/", "/api/jobs", "/api/machines", "/api/releases", "/boot", report] {
        for foreign in [
            &site("cross-site"),
            &site("same-site"),
            &site("something-new"),
            "Origin: http://evil.example",
            "Origin: null",
            "Origin: http://127.0.0.1:1",
            &format!("Origin: http://127.0.0.1:{port}.evil.example"),
        ] {
            assert_eq!(ask("GET", path, &[foreign]), 403, "{path} {foreign}");
            assert_eq!(ask("GET", path, &[foreign, &own]), 403, "{path} {foreign}");
        }
        for fine in [vec![], vec![own.as_str()], vec![&site("same-origin")], vec![&site("none")]] {
            assert_eq!(ask("GET", path, &fine), 200, "{path} {fine:?}");
        }
        // A link may lead here, but must not report in the name of a machine.
        let recording = path == "/boot" || path == report;
        let expected = if recording { 403 } else { 200 };
        assert_eq!(ask("GET", path, &[&site("cross-site"), link[0], link[1]]), expected, "{path}");
        let frame = [&site("cross-site"), link[0], "Sec-Fetch-Dest: iframe"];
        assert_eq!(ask("GET", path, &frame), 403, "{path}");
    }
    assert_eq!(ask("GET", "/published/current.ipxe", &[&site("cross-site")]), 200);
    // Not even with the token.
    let token = format!("Authorization: Bearer {TOKEN}");
    for method in ["POST", "DELETE"] {
        let path = if method == "POST" { "/api/jobs" } else { "/api/jobs/1" };
        for foreign in [&site("cross-site"), "Origin: http://evil.example"] {
            let link = [&token, foreign, link[0], link[1]];
            assert_eq!(ask(method, path, &link), 403, "{method} {foreign}");
        }
    }
    assert_eq!(ask("POST", report, &["Origin: null"]), 403);
    assert!(ask("DELETE", "/api/jobs/1", &[&token, &own]) == 404);

    let page = service.get("/api/jobs").send().await.unwrap();
    assert_eq!(page.headers()["cross-origin-resource-policy"], "same-origin");
    let preflight = service.client.request(Method::OPTIONS, format!("{}/api/jobs", service.url));
    let preflight = preflight.header("Access-Control-Request-Method", "POST").send().await.unwrap();
    assert!(!preflight.headers().contains_key("access-control-allow-origin"));
    assert_ne!(preflight.status(), StatusCode::OK);
    let (_, said) = service.end(Signal::TERM);
    assert_eq!(said.lines().filter(|line| line.contains("another site")).count(), 1, "{said}");
}
