//! The exact files. `UPDATE_GOLDEN=1` writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use netboot_ipxe::interchange::PayloadBase;
use netboot_ipxe::interchange::matchbox::{DataDirectory, Group, Profile};
use netboot_ipxe::interchange::pixiecore::{Answer, Answers};
use netboot_ipxe::{Assignment, Fleet, UnknownMachine};

use super::{assignment, fleet, mac, manifest, serial, uuid, with_overlay};

fn assert_golden(directory: &str, files: &BTreeMap<String, String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/interchange");
    let root = root.join(directory);
    let place = |file: &str| -> PathBuf { root.join(file.replace(':', "-")) };
    for (file, text) in files {
        if netboot_testbed::updates_golden() {
            std::fs::create_dir_all(place(file).parent().unwrap()).unwrap();
        }
        netboot_testbed::assert_golden(&place(file), text);
    }
    let expected: BTreeSet<PathBuf> = files.keys().map(|file| place(file)).collect();
    let found: BTreeSet<PathBuf> = walk(&root).into_iter().collect();
    assert_eq!(found, expected);
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn machines() -> Vec<Assignment> {
    vec![
        assignment("plain", "worker").with_key(mac("52:54:00:00:00:01")),
        assignment("two-cards", "layered")
            .with_key(mac("52:54:00:00:00:02"))
            .with_key(mac("52:54:00:00:00:03")),
        with_overlay(
            assignment("special", "worker")
                .with_key(mac("52:54:00:00:00:04"))
                .with_kernel_parameter("systemd.hostname=special")
                .unwrap(),
        ),
    ]
}

/// The fleet of the golden files. Unknown machines boot the worker.
pub(crate) fn fleet_with_default() -> Fleet {
    fleet(UnknownMachine::Profile("worker".parse().unwrap()), machines())
}

#[test]
fn matchbox_has_profiles_and_groups() {
    let fleet = fleet_with_default();
    let data =
        DataDirectory::export(&manifest(&fleet), &fleet, &PayloadBase::matchbox_assets()).unwrap();
    let files = data.files().unwrap();
    assert_golden("matchbox", &files);
    // Reading the files gives the same data.
    for (id, profile) in data.profiles() {
        let read: Profile = serde_json::from_str(&files[&format!("profiles/{id}.json")]).unwrap();
        assert_eq!(read, *profile);
    }
    for (id, group) in data.groups() {
        let read: Group = serde_json::from_str(&files[&format!("groups/{id}.json")]).unwrap();
        assert_eq!(read, *group);
        assert!(data.profiles().contains_key(&group.profile), "{group:?}");
    }
}

#[test]
fn matchbox_knows_machines_by_more_than_one_key() {
    let both = netboot_ipxe::Selector::new([
        serial("7CZ1"),
        uuid("4c4c4544-0039-4a10-8054-b5c04f4e3132"),
        netboot_ipxe::MachineKey::setting("hostname", "node-1").unwrap(),
    ]);
    let machine = assignment("both", "worker").with_selector(both.unwrap());
    let fleet = fleet(UnknownMachine::Refuse, [machine]);
    let data =
        DataDirectory::export(&manifest(&fleet), &fleet, &PayloadBase::matchbox_assets()).unwrap();
    let labels: Vec<(&str, &str)> =
        data.groups()["both"].selector.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let expected = [
        ("hostname", "node-1"),
        ("serial", "7CZ1"),
        ("uuid", "4c4c4544-0039-4a10-8054-b5c04f4e3132"),
    ];
    assert_eq!(labels, expected);
    assert_eq!(data.groups().len(), 1, "unknown machines have no group");
}

#[test]
fn pixiecore_has_an_answer_for_each_card() {
    let fleet = fleet(UnknownMachine::Refuse, machines());
    let answers =
        Answers::export(&manifest(&fleet), &fleet, &PayloadBase::beside_answers()).unwrap();
    let files = answers.files().unwrap();
    assert_golden("pixiecore", &files);
    for (mac, answer) in answers.by_machine() {
        let read: Answer = serde_json::from_str(&files[&format!("v1/boot/{mac}")]).unwrap();
        assert_eq!(read, *answer);
    }
}

#[test]
fn payloads_may_be_at_any_url() {
    let fleet = fleet(UnknownMachine::Refuse, machines());
    let base = PayloadBase::url(&"https://boot.example.org/a b/".parse().unwrap()).unwrap();
    let answers = Answers::export(&manifest(&fleet), &fleet, &base).unwrap();
    let (_, answer) = answers.by_machine().first_key_value().unwrap();
    assert!(answer.kernel.starts_with("https://boot.example.org/a%20b/blobs/"), "{answer:?}");
}

#[test]
fn a_machine_named_like_anothers_second_group_keeps_its_own() {
    let fleet = fleet(
        UnknownMachine::Refuse,
        [
            assignment("a", "worker")
                .with_key(mac("52:54:00:00:00:02"))
                .with_key(mac("52:54:00:00:00:03")),
            assignment("a_2", "layered").with_key(mac("52:54:00:00:00:04")),
        ],
    );
    let data =
        DataDirectory::export(&manifest(&fleet), &fleet, &PayloadBase::matchbox_assets()).unwrap();
    let profiles: Vec<&str> = data.groups().values().map(|group| group.profile.as_str()).collect();
    assert_eq!(profiles, ["worker", "worker", "layered"]);
}
