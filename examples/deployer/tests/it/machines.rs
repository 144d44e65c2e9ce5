//! Reports, lists of machines, install plans and the status page. Requests play the machines here;
//! `whole.rs` has real ones.

use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::service::{Place, SITES, Service};
use crate::small_release;

const MACHINES: &str = r#"
[[machines.known]]
name = "node01"
match = { mac = "52:54:00:00:00:01" }
profile = "worker"
labels = { rack = "r1", role = "compute" }

[[machines.known]]
name = "node02"
match = { serial = "S-2" }
profile = "control-plane"
labels = { rack = "r2" }
address = "10.0.0.12"
"#;

fn place(more: &str) -> Place {
    let place = Place::new("machines");
    place.configure(&format!("{MACHINES}{more}"));
    place
}

async fn report(service: &Service, query: &str) -> StatusCode {
    service.get(&format!("/report?{query}")).send().await.unwrap().status()
}

/// The name and the last stage of each machine of a list.
async fn listed(service: &Service, query: &str) -> Vec<(String, Value)> {
    let list = service.json(&format!("/api/machines{query}")).await;
    let machines = list["machines"].as_array().unwrap().iter();
    machines
        .map(|machine| {
            (machine["name"].as_str().unwrap().to_owned(), machine["last"]["stage"].clone())
        })
        .collect()
}

fn names(listed: &[(String, Value)]) -> Vec<&str> {
    listed.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn reports_are_taken_from_machines_and_outlive_the_service() {
    let place = place("");
    let service = place.start();
    // Reports as the scripts and the system send them.
    let as_script = "profile=worker&machine=node01&mac=52-54-00-00-00-01&uuid=";
    for query in [
        "stage=dhcp&profile=&machine=&mac=52-54-00-00-00-01&uuid=",
        &format!("stage=kernel&{as_script}"),
        &format!("stage=initrd&{as_script}"),
        "stage=init&profile=worker&mac=52:54:00:00:00:01",
    ] {
        assert_eq!(report(&service, query).await, StatusCode::OK, "{query}");
    }
    let by_post =
        service.client.post(format!("{}/report?stage=dhcp&mac=52:54:00:00:00:99", service.url));
    assert_eq!(by_post.send().await.unwrap().status(), StatusCode::OK);
    let machine = service.json("/api/machines/node01").await;
    let boot: Vec<&String> = machine["boot"].as_object().unwrap().keys().collect();
    assert_eq!(boot, ["dhcp", "init", "initrd", "kernel"]);
    assert_eq!(machine["last"]["stage"], "init");
    assert_eq!(machine["last"]["address"], "127.0.0.1");
    assert_eq!(machine["reports"].as_array().unwrap().len(), 4);

    // A crash loses no report that a machine got an answer for.
    drop(service);
    let service = place.start();
    let after = service.json("/api/machines/node01").await;
    assert_eq!(after, machine);
    assert_eq!(names(&listed(&service, "").await), ["node01", "node02", "52:54:00:00:00:99"]);
    let (status, _) = service.end(Signal::TERM);
    assert!(status.success());
}

#[tokio::test]
async fn what_is_no_report_is_refused_and_nobody_speaks_for_another_machine() {
    let service = place("").start();
    for query in [
        "",
        "mac=52:54:00:00:00:01",
        "stage=script&mac=52:54:00:00:00:01",
        "stage=owned&mac=52:54:00:00:00:01",
        "stage=dhcp",
        "stage=dhcp&machine=node77",
        "stage=dhcp&mac=${net0/mac}",
        &format!("stage=dhcp&mac=52:54:00:00:00:01&x={}", "y".repeat(5000)),
    ] {
        assert_eq!(report(&service, query).await, StatusCode::BAD_REQUEST, "{query}");
    }
    // The keys count more than the name that a machine claims.
    assert_eq!(report(&service, "stage=init&mac=52:54:00:00:00:01&machine=node02").await, 200);
    let list = listed(&service, "").await;
    assert_eq!(list, [("node01".to_owned(), json!("init")), ("node02".to_owned(), Value::Null)]);
    let evil = "stage=dhcp&mac=52:54:00:00:00:98&profile=%3Cscript%3E&uuid=%3Cb%3E";
    assert_eq!(report(&service, evil).await, StatusCode::OK);
    let page = service.get("/").send().await.unwrap().text().await.unwrap();
    assert!(page.matches("<script").count() == 1 && !page.contains("<b>52"), "{page}");
}

#[tokio::test]
async fn a_machine_that_is_known_by_its_serial_number_is_known_by_its_card_after_that() {
    let place = place("");
    let publisher = place.publisher(SITES[0]);
    let profiles = ["worker", "control-plane"];
    small_release::publish(&publisher, small_release::renderer(), &profiles).await;
    let service = place.start();
    let boot = service.get("/boot?mac=52-54-00-00-00-02&serial-hex=532d32");
    assert_eq!(boot.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(report(&service, "stage=init&mac=52:54:00:00:00:02").await, StatusCode::OK);
    let list = listed(&service, "?stage=init").await;
    assert_eq!(names(&list), ["node02"]);
}

#[tokio::test]
async fn machines_are_found_by_their_labels_and_by_what_they_are_called() {
    let service = place("").start();
    assert_eq!(report(&service, "stage=dhcp&mac=52:54:00:00:00:99").await, StatusCode::OK);
    for (query, expected) in [
        ("?label=rack=r1", &["node01"][..]),
        ("?label=rack", &["node01", "node02"]),
        ("?label=rack=r3", &[]),
        ("?q=COMPUTE", &["node01"]),
        ("?q=s-2", &["node02"]),
        ("?q=worker&label=rack=r2", &[]),
        ("?stage=dhcp", &["52:54:00:00:00:99"]),
    ] {
        assert_eq!(names(&listed(&service, query).await), expected, "{query}");
    }
    let wrong = service.get("/api/machines?colour=red").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let problem: Value = wrong.json().await.unwrap();
    assert!(problem["hint"].as_str().unwrap().contains("label="), "{problem}");
    let nobody = service.get("/api/machines/node77").send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
    assert!(nobody.json::<Value>().await.unwrap()["hint"].as_str().unwrap().contains("/api/"));
}

#[tokio::test]
async fn a_booted_machine_is_handed_over_to_nixos_anywhere() {
    let place = place("");
    small_release::publish(&place.publisher(SITES[0]), small_release::renderer(), &["worker"])
        .await;
    let extra = format!("extra-files = '{}'\n", place.path("extra").display());
    std::fs::create_dir_all(place.path("extra/node01/etc")).unwrap();
    place.configure(&format!(
        "{MACHINES}[deployer.hand-over]\nflake = 'git+ssh://git@example.org/infrastructure'\n\
         ssh-key = '/etc/deployer/install key'\nown-addresses = true\n{extra}"
    ));
    let service = place.start();
    let plan_of = async |name: &str| {
        service.get(&format!("/api/machines/{name}/install-plan")).send().await.unwrap()
    };
    // The address of node01 is not known before it boots. That of node02 is configured.
    let early = plan_of("node01").await;
    assert_eq!(early.status(), StatusCode::CONFLICT);
    let other: Value = plan_of("node02").await.json().await.unwrap();
    assert_eq!((&other["ready"], &other["target_host"]), (&json!(false), &json!("root@10.0.0.12")));
    assert_eq!(other["extra_files"], Value::Null);
    assert_eq!(
        (&other["address_from"], &other["warning"]),
        (&json!("configuration"), &Value::Null)
    );

    let nonce = service.boot("mac=52-54-00-00-00-01", "127.0.0.1").await;
    let init = format!("nonce={nonce}&stage=init&mac=52:54:00:00:00:01");
    assert_eq!(report(&service, &init).await, StatusCode::OK);
    let plan: Value = plan_of("node01").await.json().await.unwrap();
    let files = place.path("extra/node01").display().to_string();
    let expected = [
        "nixos-anywhere",
        "--flake",
        "git+ssh://git@example.org/infrastructure#node01",
        "--target-host",
        "root@127.0.0.1",
        "-i",
        "/etc/deployer/install key",
        "--extra-files",
        &files,
        "--phases",
        "disko,install,reboot",
    ];
    assert_eq!(plan["arguments"], json!(expected));
    assert_eq!(shlex::split(plan["command"].as_str().unwrap()).unwrap(), expected);
    assert_eq!(plan["ready"], true);
    // Everybody who reaches the service could have booted in its name.
    assert_eq!(plan["address_from"], "boot");
    assert!(plan["warning"].as_str().unwrap().contains("compare the address"), "{plan:#}");
    let disko = "git+ssh://git@example.org/infrastructure#nixosConfigurations.\"node01\".\
                 config.disko.devices";
    assert_eq!(plan["disko"], disko);
    assert_eq!(plan["labels"], json!({ "rack": "r1", "role": "compute" }));
    assert_eq!(plan_of("node77").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(plan_of("52-54-00-00-00-99").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_about_a_machine_can_be_changed() {
    let service = place("").start();
    for path in ["/", "/boot", "/api/machines", "/api/machines/node01"] {
        let response = service.change(Method::POST, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}
