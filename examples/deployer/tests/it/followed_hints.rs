//! The hints of a service that does not start, and of a plan that is refused, are followed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use reqwest::{Method, StatusCode};
use rustix::process::Signal;

use crate::service::{MACHINES, NODE01, Place, SITES, Service};
use crate::small_release;

/// Starts a service that does not start, and checks its hint.
fn refuses(mut command: Command, hint: &str) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(hint), "{said}");
}

#[tokio::test]
async fn a_configuration_that_is_there_and_correct_starts() {
    let place = Place::new("hints");
    let good = fs::read_to_string(place.path("netboot.toml")).unwrap();
    fs::remove_file(place.path("netboot.toml")).unwrap();
    let hint = "correct the path of the configuration, and let this user read the file";
    refuses(place.command(), hint);
    place.write_configuration(&good.replace("state-directory", "state_directory"));
    refuses(place.command(), "did you mean `state-directory`?");
    place.write_configuration(&good);
    drop(place.start());
}

#[tokio::test]
async fn a_token_and_a_free_address_and_directory_start_the_service() {
    let place = Place::new("hints");
    let without = || {
        let mut command = place.command();
        command.env_remove("DEPLOYER_TOKEN");
        command
    };
    refuses(without(), "make a token (openssl rand -hex 32 > token; chmod 600 token)");
    // The command of the hint, and then its option.
    let made = Command::new("sh")
        .args(["-c", "openssl rand -hex 32 > token; chmod 600 token"])
        .current_dir(place.path(""))
        .status();
    assert!(made.unwrap().success());
    let permissions = fs::metadata(place.path("token")).unwrap().permissions().mode();
    assert_eq!(permissions & 0o777, 0o600);
    let mut named = without();
    named.args(["--token-file", "token"]);
    let first = Service::start(named);

    refuses(place.command(), "stop it, or give this deployer another state-directory");
    let configuration = fs::read_to_string(place.path("netboot.toml")).unwrap();
    let elsewhere = place.path("state-2").display().to_string();
    let state = place.path("state").display().to_string();
    place.write_configuration(
        &configuration.replace(&format!("'{state}'"), &format!("'{elsewhere}'")),
    );
    drop(place.start());
    place.write_configuration(&configuration);
    first.end(Signal::TERM);
    drop(place.start());

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listening = |at: &str| {
        place.write_configuration(&configuration.replace("'127.0.0.1:0'", &format!("'{at}'")));
    };
    listening(&address);
    refuses(place.command(), "choose another address for `listen`, or stop the program");
    drop(taken);
    drop(place.start());
    listening("127.0.0.1:0");
    drop(place.start());
}

const OWN: &str = "[deployer.hand-over]\nown-addresses = true\n";

async fn place(configuration: &str) -> Place {
    let place = Place::new("hints");
    place.configure(configuration);
    let publisher = place.publisher(SITES[0]);
    small_release::publish(&publisher, small_release::renderer(), &["worker"]).await;
    place
}

/// Boots the machine of this query at this address until its system runs.
async fn comes_up(service: &Service, query: &str, at: &str) {
    let nonce = service.boot(query, at).await;
    service.report(&format!("nonce={nonce}&stage=init&{query}"), at).await;
}

async fn advises(service: &Service, machine: &str, hint: &str) {
    let (status, problem) = service.plan(machine).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem:#}");
    let given = problem["hint"].as_str().unwrap();
    assert!(given.contains(hint), "{problem:#}");
}

async fn is_at(service: &Service, machine: &str, address: &str) {
    let (status, plan) = service.plan(machine).await;
    assert_eq!(status, StatusCode::OK, "{plan:#}");
    assert_eq!(plan["target_host"], format!("root@{address}"));
}

/// The configuration with an address for node01.
fn with_address(address: &str) -> String {
    MACHINES.replacen("profile", &format!("address = '{address}'\nprofile"), 1)
}

#[tokio::test]
async fn a_machine_that_boots_or_has_an_address_gets_its_plan() {
    let place = place(&format!("{MACHINES}{OWN}")).await;
    let service = place.start();
    advises(&service, "node01", "boot the machine from this service and wait until it").await;
    let nonce = service.boot(NODE01, "127.0.0.11").await;
    advises(&service, "node01", "wait until it reports the stage init").await;
    service.report(&format!("nonce={nonce}&stage=init&{NODE01}"), "127.0.0.11").await;
    is_at(&service, "node01", "127.0.0.11").await;

    // Another machine gets the address, and this one boots again elsewhere.
    comes_up(&service, "serial=S-2&mac=52:54:00:00:00:02", "127.0.0.11").await;
    advises(&service, "node01", "boot `node01` again, or set its address").await;
    comes_up(&service, NODE01, "127.0.0.12").await;
    is_at(&service, "node01", "127.0.0.12").await;

    // Two machines of one name.
    comes_up(&service, NODE01, "127.0.0.66").await;
    let hint = "or forget what is known with DELETE /api/machines/node01/claim and boot it again";
    advises(&service, "node01", hint).await;
    let forgotten = service.change(Method::DELETE, "/api/machines/node01/claim").send().await;
    assert_eq!(forgotten.unwrap().status(), StatusCode::NO_CONTENT);
    comes_up(&service, NODE01, "127.0.0.12").await;
    is_at(&service, "node01", "127.0.0.12").await;
}

#[tokio::test]
async fn a_machine_whose_address_is_in_the_configuration_gets_its_plan() {
    let place = place(&format!("{MACHINES}{OWN}")).await;
    let service = place.start();
    comes_up(&service, NODE01, "127.0.0.33").await;
    let hint = "correct the address in the configuration, or give the machines different addresses";
    advises(&service, "node01", hint).await;
    service.end(Signal::TERM);
    place.configure(&format!("{}{OWN}", MACHINES.replace("127.0.0.33", "127.0.0.34")));
    let service = place.start();
    comes_up(&service, NODE01, "127.0.0.33").await;
    is_at(&service, "node01", "127.0.0.33").await;
}

#[tokio::test]
async fn a_machine_that_seems_to_be_the_computer_of_the_service_gets_its_address() {
    let place = place(&format!("{MACHINES}[deployer.hand-over]\n")).await;
    let service = place.start();
    comes_up(&service, NODE01, "127.0.0.12").await;
    advises(&service, "node01", "set the machine's address in the configuration").await;
    service.end(Signal::TERM);
    place.configure(&format!("{}[deployer.hand-over]\n", with_address("192.0.2.12")));
    let service = place.start();
    is_at(&service, "node01", "192.0.2.12").await;
}
