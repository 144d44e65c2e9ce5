//! `netboot fleet`: a list of machines, and what they boot.

use std::fs;

use crate::image;
use crate::place::{Place, assert_documented};

const MACHINES: &str = r#"
[machines]
unknown = "refuse"

[[machines.known]]
name = "node-1"
match = { mac = "52:54:00:12:34:56" }
profile = "worker"
kernel-parameters = ["systemd.hostname=node-1"]

[[machines.known]]
name = "node-2"
match = { serial = "SN 7" }
profile = "worker"
"#;

fn write(place: &Place, machines: &str) {
    fs::write(place.path("netboot.toml"), machines).unwrap();
}

#[test]
fn machines_are_listed_with_their_keys() {
    let place = Place::directory();
    write(&place, MACHINES);
    let said = place.succeeds(&["fleet", "list"]);
    let lines = "node-1  worker  MAC address 52:54:00:12:34:56\n\
                 node-2  worker  serial number SN 7\n";
    assert_eq!(said.stdout, lines);
    let object = place.succeeds(&["fleet", "list", "--json"]).json();
    assert_eq!(object["machines"][0]["kernel_parameters"][0], "systemd.hostname=node-1");
    assert_documented("fleet list", &object);

    // Another file, which is no netboot.toml of this directory.
    fs::write(place.path("rack.toml"), MACHINES.replace("node-1", "rack-1")).unwrap();
    let said = place.succeeds(&["fleet", "list", "--machines", "rack.toml"]);
    assert!(said.stdout.contains("rack-1 "), "{said:#?}");
}

#[test]
fn a_machine_is_found_as_the_scripts_find_it() {
    let place = Place::directory();
    write(&place, MACHINES);
    let which = |keys: &[&str]| place.succeeds(&[&["fleet", "which"], keys].concat());
    let said = which(&["--mac", "52-54-00-12-34-56"]);
    assert_eq!(said.stdout, "worker\n");
    assert!(said.stderr.contains("node-1 boots worker, by its MAC address"), "{said:#?}");
    let said = which(&["--serial", "SN 7"]);
    assert!(said.stderr.contains("node-2 boots worker, by its serial number SN 7"), "{said:#?}");

    // Both: the card decides, as in the scripts.
    let both = which(&["--serial", "SN 7", "--mac", "52:54:00:12:34:56", "--json"]).json();
    assert_eq!(both["machine"], "node-1");
    assert_documented("fleet which", &both);

    let said = which(&["--mac", "52:54:00:00:00:09"]);
    assert_eq!(said.stdout, "");
    assert!(said.stderr.contains("not listed, and boots nothing"), "{said:#?}");
    write(&place, &MACHINES.replace(r#""refuse""#, r#"{ profile = "installer" }"#));
    assert_eq!(which(&["--mac", "52:54:00:00:00:09"]).stdout, "installer\n");

    // Without a key there is no question.
    assert_eq!(place.run(&["fleet", "which"]).code, Some(2));
}

#[test]
fn a_list_without_machines_and_a_list_with_a_tie_are_errors() {
    let place = Place::directory();
    let said = place.misuses(&["fleet", "list"]);
    assert!(said.contains("no netboot.toml") && said.contains("--machines FILE"), "{said}");
    write(&place, "[machines]\n");
    let said = place.misuses(&["fleet", "list"]);
    assert!(said.contains("netboot.toml") && said.contains("lists no machines"), "{said}");
    // The remedy is followed.
    write(&place, MACHINES);
    place.succeeds(&["fleet", "list"]);

    write(&place, &MACHINES.replace(r#"serial = "SN 7""#, r#"mac = "52-54-00-12-34-56""#));
    let said = place.run(&["fleet", "list"]);
    assert_ne!(said.code, Some(0), "{said:#?}");
    assert!(said.stderr.contains("neither is more specific"), "{said:#?}");
}

#[tokio::test]
async fn a_changed_list_is_published_without_the_images() {
    for place in Place::all() {
        image::write(&place.path("worker"), "a=1");
        let target = place.target();
        let publish = ["fleet", "publish", target.as_str(), "--machines", "rack.toml"];
        let said = place.run(&publish);
        assert!(said.code == Some(2) && said.stderr.contains("rack.toml"), "{said:#?}");
        fs::write(place.path("rack.toml"), MACHINES).unwrap();
        let said = place.fails(&publish);
        assert!(said.contains("no release is live") && said.contains("netboot publish"), "{said}");

        let first = place.succeeds(&["publish", "worker", "--to", &target]).stdout;
        let second = place.succeeds(&[&publish[..], &["--json"]].concat()).json();
        let at = &second["targets"][0];
        assert_eq!(at["previous"], first.trim_end());
        assert!(at["sent_bytes"].as_u64().unwrap() < 100_000, "{second:#}");
        let publisher = place.publisher().await;
        let live = publisher.live().await.unwrap().unwrap();
        let manifest = publisher.manifest(&live).await.unwrap();
        assert!(manifest.images().contains_key("worker"));

        // Machines that boot a profile that nobody built are refused.
        let other = MACHINES.replacen("profile = \"worker\"", "profile = \"storage\"", 1);
        fs::write(place.path("rack.toml"), other).unwrap();
        let said = place.fails(&publish);
        assert!(said.contains("storage"), "{said}");
        assert_eq!(publisher.live().await.unwrap(), Some(live));
    }
}

#[tokio::test]
async fn a_publication_has_the_machines_of_the_configuration() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    write(&place, MACHINES);
    let release = place.succeeds(&["publish", "worker", "--to", "./pxe"]).stdout;
    let script = place.path("pxe/releases").join(release.trim_end()).join("boot.ipxe");
    let dispatch = fs::read_to_string(script).unwrap();
    let jump = ":mac-52-54-00-12-34-56\nset netboot-machine node-1\n";
    assert!(dispatch.contains(jump), "{dispatch}");
    assert!(dispatch.contains("unknown machines are refused"), "{dispatch}");
}
