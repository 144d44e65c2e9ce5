//! `netboot export`: it writes the library's output, and a mistake causes an error with a remedy.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::place::{Place, assert_documented};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
    command.arg("export").args(arguments).current_dir(directory).output().unwrap()
}

fn export(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the program, expects a failure, and returns its output.
fn failure(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

const NETWORK: [&str; 9] = [
    "dhcp",
    "--interface",
    "eno1",
    "--subnet",
    "10.0.0.0/24",
    "--tftp-server",
    "10.0.0.1",
    "--script",
    "http://10.0.0.1/boot.ipxe",
];

#[test]
fn configurations_of_dhcp_servers_are_printed() {
    let directory = TempDir::new().unwrap();
    let with = |more: &[&str]| export(directory.path(), &[&NETWORK[..], more].concat());
    let lease = ["--lease", "10.0.0.100-10.0.0.199", "--router", "10.0.0.254"];
    let machine = ["--machine", "52:54:00:00:00:01=http://10.0.0.1/one.ipxe", "--known-only"];
    for (server, text) in [
        ("dnsmasq", "dhcp-ignore=tag:!known"),
        ("kea", "\"client-class\": \"KNOWN\""),
        ("dhcpd", "deny unknown-clients;"),
    ] {
        let printed = with(&[&["--server", server], &lease[..], &machine[..]].concat());
        assert!(printed.contains(text) && printed.contains("one.ipxe"), "{printed}");
        let options = with(&["--server", server, "--boot-options"]);
        assert!(options.contains("undionly.kpxe") && !options.contains("10.0.0.100"), "{options}");
    }
    assert!(with(&["--server", "dnsmasq"]).contains("dhcp-range=10.0.0.0,proxy"));

    for (server, sign) in [
        ("kea", "option[175].exists"),
        ("dnsmasq", "dhcp-match=set:netboot-ipxe,175"),
        ("dhcpd", "exists netboot-ipxe"),
    ] {
        let arguments = [&["--server", server], &lease[..]].concat();
        assert!(!with(&arguments).contains(sign), "{server}");
        let printed = with(&[&arguments[..], &["--ipxe-sign", "option-175"]].concat());
        assert!(printed.contains(sign), "{printed}");
    }
    let help = with(&["--help"]);
    assert!(help.contains("ISC ended dhcpd in 2022") && help.contains("option-175"), "{help}");

    let said = failure(directory.path(), &[&NETWORK[..], &["--server", "kea"]].concat());
    assert!(said.contains("what to do: use dnsmasq"), "{said}");
    let outside = ["--server", "kea", "--lease", "10.1.0.1-10.1.0.9"];
    let said = failure(directory.path(), &[&NETWORK[..], &outside].concat());
    assert!(said.contains("10.1.0.1") && said.contains("what to do: "), "{said}");
}

/// Follows the hint for a network of IPv6.
#[test]
fn a_network_of_ipv6_is_refused_and_one_of_ipv4_beside_it_is_taken() {
    let directory = TempDir::new().unwrap();
    let kea = ["--server", "kea", "--lease", "10.0.0.100-10.0.0.199"];
    let arguments = [&NETWORK[..], &kea[..]].concat();
    for (four, six) in [
        ("10.0.0.0/24", "2001:db8::/64"),
        ("10.0.0.1", "2001:db8::1"),
        ("10.0.0.100-10.0.0.199", "2001:db8::100-2001:db8::199"),
    ] {
        let with_six: Vec<&str> =
            arguments.iter().map(|word| if *word == four { six } else { word }).collect();
        let said = failure(directory.path(), &with_six);
        assert!(said.contains("only DHCP over IPv4 is configured, not DHCPv6"), "{said}");
        assert!(said.contains("what to do: boot the machines over IPv4"), "{said}");
    }
    let router = [&arguments[..], &["--router", "fe80::1"]].concat();
    assert!(failure(directory.path(), &router).contains("router address \"fe80::1\""));
    export(directory.path(), &arguments);
}

#[test]
fn the_configuration_is_an_object_for_programs() {
    let directory = TempDir::new().unwrap();
    let arguments = [&NETWORK[..], &["--server", "dnsmasq"]].concat();
    let text = export(directory.path(), &arguments);
    let object = export(directory.path(), &[&arguments[..], &["--json"]].concat());
    let object: Value = serde_json::from_str(&object).unwrap();
    assert_eq!(object, json!({ "server": "dnsmasq", "configuration": text }));
    assert_documented("export dhcp", &object);
}

const MACHINE: &str = "52:54:00:00:00:01=control-plane";

/// The sample's other profile has a closure, which machines fetch from a whole URL.
const URL: [&str; 2] = ["--payload-url", "http://10.0.0.1/pxe/"];

async fn is_exported_from(place: Place) {
    let target = place.target();
    let [live] = place.publish(["one"]).await;
    let run = |server: &str, more: &[&str]| {
        let output = place.path(server).display().to_string();
        let arguments = ["export", server, &target, "--output", &output, "--machine", MACHINE];
        place.succeeds(&[&arguments[..], &URL, more].concat())
    };
    let written = run("matchbox", &["--default", "control-plane"]);
    assert_eq!(written.stdout.lines().count(), 4, "{written:#?}");
    let profile = std::fs::read_to_string(place.path("matchbox/profiles/control-plane.json"));
    let profile = profile.unwrap();
    assert!(profile.contains("\"kernel\": \"http://10.0.0.1/pxe/blobs/"), "{profile}");

    let object = run("pixiecore", &["--json"]).json();
    assert_eq!(object["release"], live.to_string());
    let answer = place.path("pixiecore/v1/boot/52:54:00:00:00:01");
    assert_eq!(object["files"], json!([answer]));
    let answer = std::fs::read_to_string(answer).unwrap();
    assert!(answer.contains("\"kernel\": \"http://10.0.0.1/pxe/blobs/"), "{answer}");
    for command in ["export matchbox", "export pixiecore"] {
        assert_documented(command, &object);
    }
}

#[tokio::test]
async fn matchbox_and_pixiecore_boot_what_is_live_at_any_place() {
    for place in Place::all() {
        is_exported_from(place).await;
    }
}

#[tokio::test]
async fn what_cannot_be_exported_is_told() {
    let place = Place::directory();
    let target = place.target();
    let pixiecore =
        |machine: &str| place.fails(&["export", "pixiecore", &target, "--machine", machine]);
    assert!(pixiecore(MACHINE).contains("no directory"));
    let staged = place.stage("one").await.to_string();
    assert!(pixiecore(MACHINE).contains("what to do: make one live first: `netboot activate`"));
    place.succeeds(&["activate", &target, &staged]);
    let said = pixiecore("52:54:00:00:00:01=other");
    assert!(said.contains("`other`") && said.contains("what to do: choose one of: "), "{said}");
    // A directory of this machine gets the answers itself.
    place.succeeds(&[&["export", "pixiecore", &target, "--machine", MACHINE], &URL[..]].concat());
    assert!(place.published().join("nixos/v1/boot/52:54:00:00:00:01").is_file());

    let place = Place::daemon();
    let said = place.misuses(&["export", "pixiecore", &place.target(), "--machine", MACHINE]);
    assert!(said.contains("what to do: name a directory for the answers with --output"), "{said}");
}

#[tokio::test]
async fn an_export_that_no_machine_uses_is_refused() {
    let place = Place::directory();
    let target = place.target();
    place.publish(["one"]).await;
    let before = files(&place.published());
    for arguments in [
        &["export", "pixiecore", &target, "--payload-url", "http://10.0.0.1/pxe/"][..],
        &["export", "pixiecore", &target, "--output", "answers"],
        &["export", "matchbox", &target, "--output", "answers"],
    ] {
        let said = place.run(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:#?}");
        assert!(said.stderr.contains("name one with --machine MAC=PROFILE"), "{said:#?}");
        assert!(!place.path("answers").exists(), "{said:#?}");
    }
    assert_eq!(files(&place.published()), before);
    // A profile for all machines is enough for matchbox.
    let all = ["export", "matchbox", &target, "--output", "answers", "--default", "control-plane"];
    place.succeeds(&[&all[..], &URL].concat());
}

#[tokio::test]
async fn relative_urls_are_beside_the_files_that_they_name() {
    let place = Place::directory();
    let target = place.target();
    publish_worker(&place);
    let pixiecore = ["export", "pixiecore", &target, "--machine", "52:54:00:00:00:01=worker"];
    let elsewhere = [&pixiecore[..], &["--output", "elsewhere"]].concat();
    let said = place.fails(&elsewhere);
    assert!(said.contains("answers in `elsewhere` cannot lead to the target's files"), "{said}");
    assert!(!place.path("elsewhere").exists(), "{said}");
    // The hint.
    place.succeeds(&[&elsewhere[..], &URL].concat());
    assert!(place.path("elsewhere/v1/boot/52:54:00:00:00:01").is_file());
    // The target, by any path.
    place.succeeds(&[&pixiecore[..], &["--output", "./published/../published/nixos"]].concat());
    let answer = place.published().join("nixos/v1/boot/52:54:00:00:00:01");
    let answer: Value = serde_json::from_slice(&std::fs::read(answer).unwrap()).unwrap();
    let kernel = place.published().join("nixos").join(answer["kernel"].as_str().unwrap());
    assert!(kernel.is_file(), "{answer}");
}

#[tokio::test]
async fn payloads_are_at_a_url_that_can_be_fetched() {
    let place = Place::directory();
    let target = place.target();
    place.publish(["one"]).await;
    for server in ["matchbox", "pixiecore"] {
        let arguments = ["export", server, &target, "--output", "out", "--machine", MACHINE];
        for scheme in ["ftp", "tftp", "file"] {
            let url = format!("{scheme}://10.0.0.1/pxe/");
            let said = place.fails(&[&arguments[..], &["--payload-url", &url]].concat());
            assert!(said.contains(&format!("not from `{scheme}://` ones")), "{said}");
            assert!(!place.path("out").exists(), "{said}");
        }
    }
}

#[tokio::test]
async fn machines_of_netboot_toml_are_exported_and_a_removed_one_is_deleted() {
    let place = Place::directory();
    let target = place.target();
    place.publish(["one"]).await;
    let list = |machines: &[&str]| {
        let known = machines.iter().map(|machine| {
            let (name, mac) = machine.split_once(' ').unwrap();
            format!(
                "[[machines.known]]\nname = \"{name}\"\nmatch = {{ mac = \"{mac}\" }}\n\
                 profile = \"control-plane\"\n"
            )
        });
        std::fs::write(place.path("netboot.toml"), known.collect::<String>()).unwrap();
    };
    let (one, two) = ("rack1 52:54:00:00:00:01", "rack2 52:54:00:00:00:02");
    for (server, first, second) in [
        ("matchbox", "groups/rack1.json", "groups/rack2.json"),
        ("pixiecore", "v1/boot/52:54:00:00:00:01", "v1/boot/52:54:00:00:00:02"),
    ] {
        let arguments = ["export", server, &target, "--output", server, "--json"];
        let export = || place.succeeds(&[&arguments[..], &URL].concat()).json();
        let (first, second) = (place.path(server).join(first), place.path(server).join(second));
        list(&[one, two]);
        assert_eq!(export()["deleted"], json!([]), "{server}");
        assert!(first.is_file() && second.is_file(), "{server}");

        // A file of somebody else, and one that somebody changed, stay until they are given up.
        let other = first.with_file_name("other.json");
        std::fs::write(&other, "{}").unwrap();
        std::fs::write(&second, "{}").unwrap();
        list(&[one]);
        let said = place.fails(&[&arguments[..5], &URL].concat());
        assert!(said.contains(&format!("{server}/")) && said.contains("1 file would be"), "{said}");
        assert!(second.is_file(), "{server}");
        let replaced = [&arguments[..], &URL, &["--replace-foreign"]].concat();
        let deleted = place.succeeds(&replaced).json()["deleted"].clone();
        let shown =
            format!("{server}/{}", second.strip_prefix(place.path(server)).unwrap().display());
        assert_eq!(deleted, json!([shown]), "{server}");
        assert!(first.is_file() && !second.exists() && other.is_file(), "{server}");

        // Without a change by others, a removed machine is deleted without a question.
        list(&[two]);
        assert_eq!(export()["deleted"].as_array().unwrap().len(), 1, "{server}");
        assert!(second.is_file() && !first.exists(), "{server}");
        let names = files(&place.path(server)).into_iter();
        let unfinished: Vec<PathBuf> =
            names.filter(|path| path.to_string_lossy().contains(".netboot-")).collect();
        assert_eq!(unfinished.len(), 1, "{unfinished:?}");
    }
}

#[tokio::test]
async fn a_damaged_record_makes_every_exported_file_foreign() {
    let place = Place::directory();
    let target = place.target();
    place.publish(["one"]).await;
    let arguments = ["export", "matchbox", &target, "--output", "out", "--machine"];
    let export = |machine| [&arguments[..], &[machine], &URL].concat();
    place.succeeds(&export(MACHINE));
    let record = place.path("out/.netboot-export-matchbox.json");
    for damaged in ["nonsense", "{\"../../outside\": []}"] {
        std::fs::write(&record, damaged).unwrap();
        // Equal files need not be replaced.
        place.succeeds(&export(MACHINE));
        std::fs::write(&record, damaged).unwrap();
        std::fs::write(place.path("out/groups/52-54-00-00-00-01.json"), "{}").unwrap();
        let said = place.fails(&export(MACHINE));
        assert!(said.contains("groups/52-54-00-00-00-01.json"), "{said}");
        assert!(said.contains("--replace-foreign"), "{said}");
        place.succeeds(&[&export(MACHINE)[..], &["--replace-foreign"]].concat());
    }
}

/// Publishes an image without a closure, whose payloads may have relative URLs.
fn publish_worker(place: &Place) {
    crate::image::write(&place.path("worker"), "one=1");
    place.succeeds(&["publish", "worker", "--to", &place.target()]);
}

/// The files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}
