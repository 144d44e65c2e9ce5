//! The machines of a live release are never left out by mistake.

use std::fmt::Write;
use std::fs;

use crate::image;
use crate::place::Place;
use crate::publish::local;

/// A file with machines of these names, which boot the profile `worker`.
fn write(place: &Place, file: &str, names: &[&str]) {
    let mut text = String::new();
    for (number, name) in names.iter().enumerate() {
        let mac = format!("52:54:00:12:{:02x}:{:02x}", number / 256, number % 256);
        write!(
            text,
            "[[machines.known]]\nname = \"{name}\"\nmatch = {{ mac = \"{mac}\" }}\n\
             profile = \"worker\"\n"
        )
        .unwrap();
    }
    fs::write(place.path(file), text).unwrap();
}

#[tokio::test]
async fn publishing_without_the_list_of_machines_is_refused() {
    for place in Place::all() {
        image::write(&place.path("worker"), "a=1");
        let target = place.target();
        write(&place, "rack.toml", &["node-1", "node-2"]);
        let publish = ["publish", "worker", "--to", &target];
        place.succeeds(&[&publish[..], &["--machines", "rack.toml"]].concat());
        let live = place.live().await;

        image::write(&place.path("worker"), "a=2");
        let said = place.fails(&publish);
        assert!(said.contains("scripts for 2 machines (node-1, node-2)"), "{said}");
        assert_eq!(place.live().await, live);
    }
}

#[tokio::test]
async fn the_remedies_of_a_missing_list_work() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let publish = ["publish", "worker", "--to", "./pxe"];
    let with = |options: &[&str]| place.succeeds(&[&publish[..], options].concat()).stderr;
    write(&place, "rack.toml", &["node-1", "node-2"]);
    with(&["--machines", "rack.toml"]);
    place.fails(&publish);
    assert!(!with(&["--machines", "rack.toml"]).contains("node-1"));
    write(&place, "netboot.toml", &["node-1"]);
    let said = with(&[]);
    assert!(said.contains("1 machine (node-2) of the live release"), "{said}");
    fs::remove_file(place.path("netboot.toml")).unwrap();
    let said = with(&["--without-machines"]);
    assert!(said.contains("1 machine (node-1) of the live release"), "{said}");
    // There is nothing left to lose.
    let said = with(&[]);
    assert!(!said.contains("machine"), "{said}");
}

#[tokio::test]
async fn machines_in_tables_are_counted() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let names: Vec<String> = (0..900).map(|number| format!("node-{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    write(&place, "netboot.toml", &names);
    place.succeeds(&["publish", "worker", "--to", "./pxe"]);
    fs::remove_file(place.path("netboot.toml")).unwrap();
    for command in [
        &["publish", "worker", "--to", "./pxe"][..],
        &["publish", "worker", "--to", "./new", "--to", "./pxe", "--all-or-none"],
    ] {
        let said = place.fails(command);
        let counted = "900 machines (node-000, node-001, node-002, node-003, node-004, ...)";
        assert!(said.contains(counted), "{said}");
    }
    // A command that republishes the images has to have the list, too.
    let said = place.misuses(&["fleet", "publish", "./pxe"]);
    assert!(said.contains("--machines FILE"), "{said}");
    place.succeeds(&["fleet", "publish", "./pxe", "--without-machines"]);
    place.succeeds(&["publish", "worker", "--to", "./pxe"]);
}

#[tokio::test]
async fn a_release_without_machines_goes_live_only_on_purpose() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let target = place.target();
    let plain = place.succeeds(&["publish", "worker", "--to", &target]).stdout;
    write(&place, "netboot.toml", &["node-1", "node-2"]);
    let fleet = place.succeeds(&["fleet", "publish", &target]).stdout;

    let activate = ["activate", &target, plain.trim_end()];
    let said = place.fails(&activate);
    assert!(said.contains("scripts for 2 machines (node-1, node-2)"), "{said}");
    assert_eq!(place.live().await.unwrap().to_string(), fleet.trim_end());
    let said = place.succeeds(&[&activate[..], &["--without-machines"]].concat());
    assert!(said.stderr.contains("warning: release "), "{said:#?}");
    assert!(said.stderr.contains("2 machines (node-1, node-2)"), "{said:#?}");
    place.succeeds(&["activate", &target, fleet.trim_end()]);

    // A rollback is not held up, and says what it costs.
    let said = place.succeeds(&["rollback", &target]);
    assert_eq!(said.stdout, plain);
    assert!(said.stderr.contains("had scripts for 2 machines (node-1, node-2)"), "{said:#?}");
    let said = place.succeeds(&["rollback", &target, fleet.trim_end()]);
    assert!(!said.stderr.contains("warning"), "{said:#?}");
}

#[tokio::test]
async fn the_rule_for_unknown_machines_stays_when_the_last_machine_goes() {
    let place = Place::directory();
    image::write(&place.path("worker"), "a=1");
    let publish = ["publish", "worker", "--to", "./pxe"];
    write(&place, "netboot.toml", &["node-1"]);
    place.succeeds(&publish);
    fs::write(place.path("netboot.toml"), "[machines]\nunknown = \"refuse\"\n").unwrap();
    for command in [&publish[..], &["fleet", "publish", "./pxe"]] {
        place.succeeds(command);
        let live = place_script(&place).await;
        assert!(!live.contains("menu"), "a menu: {live}");
    }
    let listed = place.succeeds(&["fleet", "list", "--json"]).json();
    assert_eq!(listed["unknown"], "refuse", "{listed}");

    fs::write(place.path("netboot.toml"), "machines.unknown = \"menu\"\n").unwrap();
    place.succeeds(&["fleet", "publish", "./pxe"]);
    let live = place_script(&place).await;
    assert!(live.contains("chain menu.ipxe"), "no menu: {live}");
    // A file without the table says nothing of machines.
    fs::write(place.path("netboot.toml"), "").unwrap();
    place.misuses(&["fleet", "publish", "./pxe"]);
}

/// The script of the live release in the directory `pxe`.
async fn place_script(place: &Place) -> String {
    let live = local(place, "pxe").live().await.unwrap().unwrap();
    fs::read_to_string(place.path(&format!("pxe/releases/{live}/boot.ipxe"))).unwrap()
}
