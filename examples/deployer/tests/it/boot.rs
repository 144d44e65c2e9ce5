//! The answers of `/boot`: for each key, for each policy, and if something is missing. The tests
//! ask the real service over HTTP.

use ipxe_script::IpxeBuild;
use netboot_ipxe::{Fleet, Renderer, RendererBuilder, UnknownMachine, lint};
use reqwest::StatusCode;
use reqwest::header::{CACHE_CONTROL, RETRY_AFTER, USER_AGENT};

use crate::service::{Place, SITES, Service};
use crate::small_release;

/// The URL under which machines reach the service, by the configuration of every test.
const MACHINES_URL: &str = "http://192.0.2.1/boot";
const UUID: &str = "12345678-9abc-4def-8012-3456789abcde";

const KNOWN: &str = r#"
[[machines.known]]
name = "by-mac"
match = { mac = "52:54:00:00:00:01" }
profile = "worker"
kernel-parameters = ["systemd.hostname=by-mac"]

[[machines.known]]
name = "by-uuid"
match = { uuid = "12345678-9abc-4def-8012-3456789abcde" }
profile = "control-plane"

[[machines.known]]
name = "by-serial"
match = { serial = "S/N 7 #1" }
profile = "worker"

[[machines.known]]
name = "by-tag"
match = { asset-tag = "T-1" }
profile = "worker"

[[machines.known]]
name = "by-mac-and-serial"
match = { mac = "52:54:00:00:00:02", serial = "S-2" }
profile = "worker"

[[machines.known]]
name = "by-mac-alone"
match = { mac = "52:54:00:00:00:02" }
profile = "control-plane"

[[machines.known]]
name = "not-in-the-release"
match = { mac = "52:54:00:00:00:03" }
profile = "all-in-one"
"#;

/// A service with these sections in its configuration, and a live release.
async fn site(unknown: &str, renderer: RendererBuilder) -> (Place, Service) {
    let place = Place::new("boot");
    place.configure(&format!("[machines]\n{unknown}\n{KNOWN}"));
    let profiles = ["control-plane", "worker"];
    small_release::publish(&place.publisher(SITES[0]), renderer, &profiles).await;
    let service = place.start();
    (place, service)
}

/// The script with `NONCE` in the place of the number that each answer has for itself.
fn without_nonce(script: &str) -> String {
    let mut parts = script.split("nonce=");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "nonce=NONCE" + &part[32..])
}

/// The answer to other clients, and to iPXE: the same text, but for iPXE always with status 200.
async fn answer(service: &Service, query: &str) -> (StatusCode, String) {
    let response = service.get(&format!("/boot{query}")).send().await.unwrap();
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let status = response.status();
    let text = without_nonce(&response.text().await.unwrap());
    let request = service.get(&format!("/boot{query}"));
    let for_ipxe = request.header(USER_AGENT, "iPXE/1.21.1+ (g4bd64)").send().await.unwrap();
    assert_eq!(for_ipxe.status(), StatusCode::OK, "{query}");
    assert_eq!(without_nonce(&for_ipxe.text().await.unwrap()), text);
    let findings: Vec<String> =
        lint(&text, &IpxeBuild::default()).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?} in:\n{text}");
    (status, text)
}

async fn boots(service: &Service, query: &str, machine: &str, profile: &str) -> String {
    let (status, text) = answer(service, query).await;
    assert_eq!(status, StatusCode::OK, "{query}: {text}");
    assert!(text.contains(&format!("set netboot-machine {machine}\n")), "{query}: {text}");
    assert!(text.contains(&format!("echo Netboot starts {profile}\n")), "{query}: {text}");
    text
}

async fn refused(service: &Service, query: &str, status: StatusCode, words: &str) {
    let (found, text) = answer(service, query).await;
    assert_eq!(found, status, "{query}: {text}");
    assert!(text.contains(words), "{query}: no `{words}` in:\n{text}");
    assert!(!text.contains("\nkernel ") && !text.contains("\nboot"), "{text}");
    assert!(text.contains("isset ${netboot-wait} && exit 1 ||\n"), "{text}");
}

#[tokio::test]
async fn a_machine_fetches_its_closure_from_the_service() {
    let place = Place::new("boot-closure");
    place.configure(&format!("[machines]\n{KNOWN}"));
    let renderer = small_release::renderer();
    let renderer = renderer.closure_source(&"http://192.0.2.9/".parse().unwrap()).unwrap();
    let image = small_release::closure_image("worker");
    let index = image.closure().unwrap().index.sha256();
    small_release::publish_images(&place.publisher(SITES[0]), renderer, [image]).await;
    let service = place.start();
    let text = boots(&service, "?mac=52:54:00:00:00:01", "by-mac", "worker").await;
    let from = format!(" netboot.from={MACHINES_URL}/published netboot.index={index} ");
    assert!(text.contains(&from), "{text}");
    let blob = service.get(&format!("/published/blobs/{index}")).send().await.unwrap();
    assert_eq!(blob.text().await.unwrap(), "index");
}

#[tokio::test]
async fn a_machine_is_found_by_each_key_and_gets_what_is_its_own() {
    let (_place, service) = site("", small_release::renderer()).await;
    let text = boots(&service, "?mac=52:54:00:00:00:01", "by-mac", "worker").await;
    let url = MACHINES_URL;
    assert!(text.contains(&format!("kernel --name bzImage {url}/published/blobs/")), "{text}");
    assert!(text.contains(" systemd.hostname=by-mac "), "{text}");
    assert!(text.contains(&format!(" netboot.report={url}/report?nonce=NONCE ")), "{text}");
    assert!(text.contains(&format!("{url}/report?nonce=NONCE&stage=kernel&")), "{text}");
    for (query, machine, profile) in [
        ("?mac=52-54-00-00-00-01&uuid=&serial=&asset=&arch=x86_64", "by-mac", "worker"),
        (&format!("?uuid={UUID}"), "by-uuid", "control-plane"),
        (&format!("?uuid={}", UUID.to_uppercase()), "by-uuid", "control-plane"),
        ("?serial=S%2FN%207%20%231", "by-serial", "worker"),
        ("?mac=52-54-00-00-00-77&serial-hex=532f4e2037202331", "by-serial", "worker"),
        ("?asset-hex=542d31&serial=To%20be%20filled%20by%20O.E.M.", "by-tag", "worker"),
        // One of its network cards is known.
        ("?mac=52:54:00:00:00:77&mac=52:54:00:00:00:01", "by-mac", "worker"),
    ] {
        boots(&service, query, machine, profile).await;
    }
}

#[tokio::test]
async fn the_most_specific_wins_and_a_tie_is_an_error() {
    let (place, service) = site("", small_release::renderer()).await;
    for (query, machine, profile) in [
        ("?mac=52:54:00:00:00:02&serial=S-2", "by-mac-and-serial", "worker"),
        ("?mac=52:54:00:00:00:02&serial=S-3", "by-mac-alone", "control-plane"),
        (&format!("?mac=52:54:00:00:00:01&uuid={UUID}&asset=T-1"), "by-mac", "worker"),
        (&format!("?uuid={UUID}&asset=T-1"), "by-uuid", "control-plane"),
    ] {
        boots(&service, query, machine, profile).await;
    }
    let both = "?mac=52:54:00:00:00:01&mac=52:54:00:00:00:02";
    refused(&service, both, StatusCode::CONFLICT, "it matches by-mac and by-mac-alone").await;

    // Two machines with the same key are refused before the service starts.
    let twice = "\n[[machines.known]]\nname = 'again'\nmatch = { mac = '52:54:00:00:00:01' }\n\
                 profile = 'worker'\n";
    place.configure(&format!("[machines]\n{KNOWN}{twice}"));
    let output = place.command().stderr(std::process::Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("again") && said.contains("by-mac"), "{said}");
}

const STRANGER: &str = "?mac=52:54:00:00:00:99&serial=SN-99";

#[tokio::test]
async fn an_unknown_machine_is_refused_by_its_keys() {
    let (_place, service) = site("", small_release::renderer()).await;
    let words = "it is not known, and unknown machines are refused";
    refused(&service, STRANGER, StatusCode::FORBIDDEN, words).await;
    refused(&service, STRANGER, StatusCode::FORBIDDEN, "its MAC address 52:54:00:00:00:99\n").await;
    refused(&service, STRANGER, StatusCode::FORBIDDEN, "its serial number SN-99\n").await;
    // Text that iPXE would change or run is not printed.
    let evil = "?mac=52:54:00:00:00:99&serial=a%20%26%26%20shell";
    refused(&service, evil, StatusCode::FORBIDDEN, words).await;
    let (_, text) = answer(&service, evil).await;
    assert!(!text.contains("shell"), "{text}");
}

#[tokio::test]
async fn a_machine_is_told_why_its_values_do_not_identify_it() {
    let (_place, service) = site("", small_release::renderer()).await;
    let shared = "?mac=88:88:88:88:87:88&serial=To%20be%20filled%20by%20O.E.M.";
    let words = "the MAC address \"88:88:88:88:87:88\" identifies no machine";
    refused(&service, shared, StatusCode::BAD_REQUEST, words).await;
    let words = "the serial number \"To be filled by O.E.M.\" identifies no machine";
    refused(&service, shared, StatusCode::BAD_REQUEST, words).await;
    service.hears("the MAC address \"88:88:88:88:87:88\" identifies no machine: many machines");

    let stranger = "?mac=52:54:00:00:00:99&asset=Amazon%20EC2";
    let words = "the asset tag \"Amazon EC2\" identifies no machine";
    refused(&service, stranger, StatusCode::FORBIDDEN, words).await;

    let swapped = "78563412-bc9a-ef4d-8012-3456789abcde";
    let words = format!("by-uuid has the UUID {swapped} in the other order of its octets");
    refused(&service, &format!("?uuid={swapped}"), StatusCode::FORBIDDEN, &words).await;
}

#[tokio::test]
async fn an_unknown_machine_boots_a_profile() {
    let (_place, service) = site("unknown.profile = 'worker'", small_release::renderer()).await;
    boots(&service, STRANGER, "52-54-00-00-00-99", "worker").await;
    let uuid = "87654321-9abc-4def-8012-3456789abcde";
    boots(&service, &format!("?uuid={uuid}"), uuid, "worker").await;
    boots(&service, "?serial=SN-99", "unknown", "worker").await;
}

#[tokio::test]
async fn an_unknown_machine_boots_its_local_disk() {
    let (_place, service) = site("unknown = 'local-disk'", small_release::renderer()).await;
    let (status, text) = answer(&service, STRANGER).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("it is not known and boots its local disk\n"), "{text}");
    assert!(text.ends_with("iseq ${platform} pcbios && exit 0 || exit 1\n"), "{text}");
}

#[tokio::test]
async fn an_unknown_machine_shows_the_menu() {
    // A release with a dispatch has its menu beside it. A release without one starts with the menu.
    let fleet = Fleet::builder(UnknownMachine::Menu).build().unwrap();
    for (renderer, file) in
        [(Renderer::builder().fleet(fleet), "menu.ipxe"), (Renderer::builder(), "boot.ipxe")]
    {
        let (place, service) = site("unknown = 'menu'", renderer).await;
        let (status, text) = answer(&service, STRANGER).await;
        assert_eq!(status, StatusCode::OK);
        let live = place.publisher(SITES[0]).live().await.unwrap().unwrap();
        let path = format!("/published/releases/{live}/{file}");
        assert!(text.contains(&format!("\nchain {MACHINES_URL}{path} && goto leave ")), "{text}");
        let menu = service.get(&path).send().await.unwrap().text().await.unwrap();
        assert!(menu.contains("\nchoose "), "{menu}");
    }
}

#[tokio::test]
async fn what_is_missing_is_said_and_asked_for_again() {
    let (_place, service) = site("", small_release::renderer()).await;
    let query = "?mac=52:54:00:00:00:03";
    let words = "has only control-plane, worker";
    refused(&service, query, StatusCode::SERVICE_UNAVAILABLE, words).await;

    let place = Place::new("nothing");
    place.configure(&format!("[machines]\n{KNOWN}"));
    let service = place.start();
    let words = "no release is live yet";
    let query = "?mac=52:54:00:00:00:01";
    refused(&service, query, StatusCode::SERVICE_UNAVAILABLE, words).await;
    let response = service.get(&format!("/boot{query}")).send().await.unwrap();
    assert_eq!(response.headers()[RETRY_AFTER], "60");

    // When the release is there, the same request succeeds.
    let renderer = small_release::renderer();
    small_release::publish(&place.publisher(SITES[0]), renderer, &["worker"]).await;
    boots(&service, query, "by-mac", "worker").await;

    // A damaged release is not treated as a missing one.
    let live = place.publisher(SITES[0]).live().await.unwrap().unwrap();
    let manifest = place.path(SITES[0]).join(format!("releases/{live}/manifest.json"));
    std::fs::remove_file(manifest).unwrap();
    refused(&service, query, StatusCode::INTERNAL_SERVER_ERROR, "this machine gets no image").await;
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_answered_with_how_to_ask() {
    let (_place, service) = site("", small_release::renderer()).await;
    for query in [
        "?mac=${net0/mac}",
        "?mac=525400000001",
        "?mac=01:00:5e:00:00:01",
        "?uuid=${uuid}",
        "?mac=&uuid=&serial=&asset=",
        "?arch=x86_64",
        &format!("?serial={}", "x".repeat(5000)),
    ] {
        let words = format!("chain {MACHINES_URL}/boot without a query");
        refused(&service, query, StatusCode::BAD_REQUEST, &words).await;
    }
}

#[tokio::test]
async fn without_a_query_it_is_the_script_that_asks() {
    let (_place, service) = site("", small_release::renderer()).await;
    for query in ["", "?"] {
        let (status, text) = answer(&service, query).await;
        assert_eq!(status, StatusCode::OK);
        let asks = format!("\nchain {MACHINES_URL}/boot?mac=${{netX/mac:hexhyp}}&uuid=${{uuid}}&");
        assert!(text.contains(&asks), "{text}");
        assert!(text.contains(&format!("{MACHINES_URL}/report?stage=dhcp&")), "{text}");
    }
}
