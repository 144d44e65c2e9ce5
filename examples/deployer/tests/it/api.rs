//! The HTTP API as a client sees it: the token, the answers, and the events.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode, header};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::service::{PATIENCE, Place, Service, TOKEN, files};

async fn problem(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/problem+json");
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status.as_u16());
    assert!(body["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "no remedy: {body}");
    (status, body)
}

#[tokio::test]
async fn what_changes_something_needs_the_token() {
    let place = Place::new("one");
    let service = place.start();
    let jobs = format!("{}/api/jobs", service.url);
    let body = json!({"kind": "rollback", "to": "previous"});
    let post = || service.client.post(&jobs).json(&body);
    for request in [
        post(),
        post().bearer_auth(""),
        post().bearer_auth(&TOKEN[1..]),
        post().basic_auth("root", Some(TOKEN)),
        post().query(&[("token", TOKEN)]),
        service.client.delete(format!("{jobs}/1")),
        // The answer does not show whether the thing exists either.
        service.client.post(format!("{jobs}/1")),
    ] {
        let response = request.try_clone().unwrap().send().await.unwrap();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(problem(request).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(service.json("/api/jobs").await, json!([]), "no job was accepted");
    assert_eq!(service.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
    service.json("/api/releases").await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_a_remedy() {
    let place = Place::new("one");
    let service = place.start();
    let post = |body: &str| {
        let request = service.change(Method::POST, "/api/jobs");
        request.header(header::CONTENT_TYPE, "application/json").body(body.to_owned())
    };
    for (body, status) in [
        ("{", StatusCode::BAD_REQUEST),
        (r#"{"kind":"reboot"}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"kind":"build","profiles":["absent"]}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"kind":"build","profiles":["../../etc"]}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"kind":"stage","build":"7"}"#, StatusCode::NOT_FOUND),
        (r#"{"kind":"activate","release":"1234"}"#, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(problem(post(body)).await.0, status, "{body}");
    }
    let (_, body) = problem(post(r#"{"kind":"build","profiles":["absent"]}"#)).await;
    assert!(body["hint"].as_str().unwrap().contains("all-in-one, control-plane, worker"));
    let (_, body) = problem(post("{")).await;
    let hint = body["hint"].as_str().unwrap();
    assert!(!hint.contains(['\\', '\n']) && !hint.contains("  "), "{hint}");
    let long = format!(r#"{{"kind":"build","profiles":[{}"worker"]}}"#, "\"worker\",".repeat(256));
    let (status, body) = problem(post(&long)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body["error"].as_str().unwrap().contains("at most 256 names"), "{body}");
    let unsaid = service.change(Method::POST, "/api/jobs").body("{}");
    assert_eq!(problem(unsaid).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for path in ["/api/jobs/1", "/api/jobs/x", "/api/jobs/1/events"] {
        assert_eq!(problem(service.get(path)).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let delete = service.change(Method::DELETE, "/api/jobs/1");
    assert_eq!(problem(delete).await.0, StatusCode::NOT_FOUND);
    assert_eq!(service.json("/api/jobs").await, json!([]));
}

#[tokio::test]
async fn a_job_whose_client_went_away_is_on_disk_and_in_memory_or_nowhere() {
    let place = Place::new("one");
    let service = place.start();
    let body = r#"{"kind":"rollback","to":"previous"}"#;
    let address = service.url.trim_start_matches("http://");
    for number in 0..40 {
        let mut client = TcpStream::connect(address).unwrap();
        let length = body.len();
        write!(
            client,
            "POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        if number % 8 == 0 {
            // This one hears that its job was taken.
            client.read_exact(&mut [0]).unwrap();
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(client);
    }
    let last = service.submit(json!({"kind": "rollback", "to": "previous"})).await;
    service.finished(&last).await;
    // Requests of clients that are gone may still be at work.
    let begin = Instant::now();
    loop {
        let listed = service.json("/api/jobs").await.as_array().unwrap().len();
        let names = files(&place.path("state/jobs")).into_iter();
        let kept = names.filter(|path| path.extension().is_some_and(|end| end == "json")).count();
        if listed > 1 && listed == kept {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{listed} are listed, {kept} are kept");
    }
}

/// The events of a job after one of them, each with its number, its name and its data.
async fn events(service: &Service, id: &str, last: Option<usize>) -> Vec<(usize, String, Value)> {
    let mut request = service.get(&format!("/api/jobs/{id}/events"));
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last.to_string());
    }
    let response = request.send().await.unwrap();
    if response.status() == StatusCode::NO_CONTENT {
        return Vec::new();
    }
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let text = response.text().await.unwrap();
    let field = |event: &str, name: &str| -> String {
        let line = event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().to_owned()
    };
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    blocks
        .map(|block| {
            let data = serde_json::from_str(&field(block, "data:")).unwrap();
            (field(block, "id:").parse().unwrap(), field(block, "event:"), data)
        })
        .collect()
}

#[tokio::test]
async fn events_are_followed_to_the_end_and_taken_up_where_they_were_left() {
    let place = Place::new("one");
    let service = place.start();
    let id = service.submit(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    // Several clients read at the same time, from the start to the end.
    let (one, other) = tokio::join!(events(&service, &id, None), events(&service, &id, None));
    assert_eq!(one, other);
    let numbers: Vec<usize> = one.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=one.len()).collect::<Vec<_>>());
    let states: Vec<&Value> = one
        .iter()
        .filter(|(_, name, _)| name == "state")
        .map(|(.., data)| &data["state"])
        .collect();
    assert_eq!(states, ["running", "succeeded"]);
    assert_eq!(one.last().unwrap().2["state"], "succeeded");
    assert_eq!(
        service.job(&id).await["state"],
        "succeeded",
        "the job has finished when its last event says so"
    );
    for phase in ["evaluating", "realising", "staging", "activating"] {
        let is_it = |(_, name, data): &(usize, String, Value)| {
            name == "event" && data.to_string().contains(&format!("\"phase\":\"{phase}\""))
        };
        assert!(one.iter().any(is_it), "no event of the phase {phase}");
    }
    assert_eq!(events(&service, &id, Some(5)).await, one[5..]);
    // A browser that gets 204 does not ask again.
    assert!(events(&service, &id, Some(one.len())).await.is_empty());
    drop(service);
    let service = place.start();
    assert_eq!(events(&service, &id, Some(5)).await, one[5..], "after another start");
}

/// The output of the program for a configuration that it refuses.
fn refusal(place: &Place, configuration: &str) -> String {
    place.write_configuration(configuration);
    let output = place.command().arg("--check").stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("what to do: "), "no remedy: {said}");
    assert!(said.contains("netboot.toml"), "the file is not named: {said}");
    said
}

#[test]
fn a_configuration_that_cannot_work_is_refused_by_file_key_and_remedy() {
    let place = Place::new("one");
    let text = fs::read_to_string(place.path("netboot.toml")).unwrap();
    let with = |more: &str| format!("{text}{more}");
    let machine = |name: &str, keys: &str, rest: &str| {
        format!("[[machines.known]]\nname = '{name}'\nmatch = {{ {keys} }}\n{rest}\n")
    };
    let mac = "mac = '52:54:00:12:34:56'";
    let worker = "profile = 'worker'";
    for (configuration, expected) in [
        (with("[machine]\n"), "there is no key `machine`"),
        (text.replace("listen", "lisen"), "`deployer` has no key `lisen`"),
        (text.replace("path:", "path:/absent"), "flake.reference: "),
        (text.replace("state-directory", "# "), "deployer.state-directory: this service needs it"),
        (text.replace("reference", "# "), "flake.reference: this service needs it"),
        (text.replace("tokyo = ", "osaka = "), "duplicate key"),
        (
            text.replace("[deployer]", "[deployer]\ntargets = ['kyoto']"),
            "deployer.targets: there is no other target `kyoto`",
        ),
        (
            text.replace("[deployer]", "[deployer]\ntargets = ['osaka', 'osaka']"),
            "deployer.targets: there is no other target `osaka`",
        ),
        (text.replace("http://", "ftp://"), "url: "),
        (
            with("[machines]\nunknown = { profile = 'absent' }"),
            "machines.unknown: there is no profile",
        ),
        (with(&machine("node01", "", worker)), "machines.known `node01`: "),
        (
            with(&machine("node01", mac, "profile = 'absent'")),
            "`node01`: there is no profile `absent`",
        ),
        (with(&machine("-x", mac, worker)), "machine name"),
        (with(&machine("node01", "mac = '52:54'", worker)), "mac = '52:54'"),
        (with(&(machine("node01", mac, worker) + &machine("node02", mac, worker))), "node01"),
        (
            with(&(machine("node01", mac, worker) + &machine("node01", "serial = 'x'", worker))),
            "node01",
        ),
        (with("[deployer.hand-over]\nssh-user = '-oProxyCommand=x'"), "hand-over.ssh-user: "),
        (
            text.replace("[flake]", "[flake]\nauthorized-keys = ['ssh-ed25519 AAAA...']"),
            "authorized-keys = ['ssh-ed25519 AAAA...']",
        ),
        (with("[deployer.hand-over]\ntoken = 'x'"), "`deployer.hand-over` has no key `token`"),
        (text.replace("http://", "http://me:s3cret@"), "url: it contains a user or a password"),
        (text.replace("http://", "http://:s3cret@"), "url: it contains a user or a password"),
        (text.replace("/state'", "/osaka/state'"), "targets.osaka: it overlaps the state"),
        (text.replace("/tokyo'", "/state/builds'"), "targets.tokyo: it overlaps the state"),
        (text.replace("/tokyo'", "/osaka'"), "targets: two of them have the directory `"),
        (with("x = 's3://b'"), "targets.x: "),
        (with("x = { location = 's3://boot', endpoint = 'ftp://h' }"), "the endpoint"),
        (
            text.replace("[deployer]", "[deployer]\nhosts = ['a b']"),
            "deployer.hosts: `a b` is not the name",
        ),
        (
            text.replace("[deployer]", "[deployer]\nhosts = ['a:80']"),
            "deployer.hosts: `a:80` is not the name",
        ),
        (with("[deployer.limits]\nconnections = 0"), "limits.connections: it is 0"),
        (
            with("[deployer.limits]\nstall-seconds = 9000000000"),
            "limits.stall-seconds: it is 9000000000",
        ),
        (with("[proof]\nmemory-mib = 0"), "proof: "),
        (with("[proof]\ntimeout-seconds = 0"), "proof: "),
        (with("[proof]\nexpect = ['']"), "proof: "),
        (
            with(&machine("node01", mac, &format!("{worker}\naddress = 'a:22'"))),
            "`node01` address: ",
        ),
    ] {
        let said = refusal(&place, &configuration);
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    place.write_configuration(&text);
    assert!(place.command().arg("--check").status().unwrap().success());
}

#[test]
fn the_example_is_a_configuration() {
    let place = Place::new("one");
    let text = include_str!("../../netboot.toml");
    // Nothing in it has to be changed; `--check` does not fetch the flake.
    place.write_configuration(text);
    let output = place.command().arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn without_a_token_and_beside_another_it_does_not_start() {
    let place = Place::new("one");
    let fails = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("what to do: ") && !said.contains("short"), "{said}");
        said
    };
    let said = fails(place.command().env_remove("DEPLOYER_TOKEN"));
    assert!(said.contains("no usable bearer token"), "{said}");
    let said = fails(place.command().env("DEPLOYER_TOKEN", "short"));
    assert!(said.contains("fewer than 16 characters"), "{said}");
    let said = fails(place.command().args(["--token-file", "absent"]));
    assert!(said.contains("absent"), "{said}");

    let running = place.start();
    let said = fails(&mut place.command());
    assert!(said.contains("another deployer uses"), "{said}");
    drop(running);
    fs::write(place.path("token"), format!("{TOKEN}\n")).unwrap();
    fs::set_permissions(place.path("token"), PermissionsExt::from_mode(0o644)).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = fs::read_to_string(place.path("netboot.toml")).unwrap();
    place.write_configuration(&text.replace("127.0.0.1:0", &address));
    let mut command = place.command();
    let said = fails(command.env_remove("DEPLOYER_TOKEN").args(["--token-file", "token"]));
    assert!(said.contains(&format!("cannot listen at {address}")), "{said}");
    assert!(said.contains("everybody on this machine can read `token`"), "{said}");
}

#[tokio::test]
async fn what_others_can_reach_is_said_and_loopback_is_not() {
    let place = Place::new("one");
    assert_eq!(place.start().heard, "");
    let text = fs::read_to_string(place.path("netboot.toml")).unwrap();
    place.write_configuration(&text.replace("127.0.0.1:0", "0.0.0.0:0"));
    let heard = place.start().heard.clone();
    assert!(heard.starts_with("warning: everybody who reaches 0.0.0.0:"), "{heard}");
    assert!(heard.contains("the network can read it"), "{heard}");
    // Machines could not reach the service at this address.
    let unnamed = text.replace("127.0.0.1:0", "0.0.0.0:0").replace("url = ", "# ");
    let said = refusal(&place, &unnamed);
    assert!(said.contains("url: machines cannot reach this service at 0.0.0.0:0"), "{said}");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_end_up_no_longer_than_the_grace() {
    let place = Place::new("one");
    let text = fs::read_to_string(place.path("netboot.toml")).unwrap();
    place.write_configuration(&text.replace("grace-seconds = 5", "grace-seconds = 1"));
    let service = place.start();
    let job = service.succeeds(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    let release = job["result"].as_str().unwrap().parse().unwrap();
    let images = place.publisher("osaka").images(&release).await.unwrap();
    let blob = netboot_core::layout::blob(&images[0].kernel().sha256());
    let mut client = TcpStream::connect(service.url.trim_start_matches("http://")).unwrap();
    write!(client, "GET /published/{blob} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut first = [0; 15];
    client.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let begin = Instant::now();
    let (status, said) = service.end(Signal::TERM);
    assert!(status.success(), "{status}: {said}");
    let took = begin.elapsed();
    assert!(took > Duration::from_millis(900) && took < PATIENCE, "{took:?}");
}
