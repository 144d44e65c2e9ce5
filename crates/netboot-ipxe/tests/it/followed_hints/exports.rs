//! Exports to other network boot servers.

use netboot_core::Manifest;
use netboot_ipxe::interchange::PayloadBase;
use netboot_ipxe::interchange::matchbox::DataDirectory;
use netboot_ipxe::interchange::pixiecore::Answers;
use netboot_ipxe::{Assignment, BootOnce, Error, Fleet, MachineKey, Selector, UnknownMachine};

use super::follow;
use crate::interchange::{assignment, fleet, mac, manifest, serial, uuid, with_overlay};

const CARD: &str = "52:54:00:00:00:01";
const BOARD: &str = "4c4c4544-0039-4a10-8054-b5c04f4e3132";

fn one() -> Assignment {
    assignment("one", "worker")
}

fn refusing<const N: usize>(machines: [Assignment; N]) -> Fleet {
    fleet(UnknownMachine::Refuse, machines)
}

fn matchbox(fleet: &Fleet) -> Result<(), Error> {
    let base = PayloadBase::matchbox_assets();
    DataDirectory::export(&manifest(fleet), fleet, &base).map(drop)
}

fn pixiecore(fleet: &Fleet) -> Result<(), Error> {
    Answers::export(&manifest(fleet), fleet, &PayloadBase::beside_answers()).map(drop)
}

#[test]
fn unknown_machines_that_every_server_can_serve_are_exported() {
    let of = |unknown| fleet(unknown, [one().with_key(mac(CARD))]);
    let profile = || of(UnknownMachine::Profile("worker".parse().unwrap()));
    let refused = || of(UnknownMachine::Refuse);
    for unknown in [UnknownMachine::Menu, UnknownMachine::LocalDisk] {
        let fleet = of(unknown);
        follow(matchbox(&fleet), "refuse them, which every server can do", matchbox(&refused()));
        follow(pixiecore(&fleet), "refuse them, which every server can do", pixiecore(&refused()));
        follow(matchbox(&fleet), "or give them a profile with matchbox", matchbox(&profile()));
    }
}

#[test]
fn machines_with_keys_that_the_server_gets_are_exported() {
    let of = |key| refusing([one().with_key(key)]);
    let tag = of(MachineKey::AssetTag("A-17".parse().unwrap()));
    let hint = "identify the machine by a key that the server gets: its MAC address; for matchbox";
    follow(pixiecore(&tag), hint, pixiecore(&of(mac(CARD))));
    let setting = |name, value| MachineKey::setting(name, value).unwrap();
    for key in [
        mac(CARD),
        uuid(BOARD),
        serial("7CZ1-a.b_c~9"),
        setting("hostname", "node-1"),
        setting("domain", "rack3.example.org"),
    ] {
        follow(matchbox(&tag), hint, matchbox(&of(key)));
    }
    // Characters beyond those of the hint are refused.
    follow(
        matchbox(&of(serial("7C Z1"))),
        "of letters, digits, `.`",
        matchbox(&of(serial("7CZ1"))),
    );
}

#[test]
fn a_fleet_in_the_order_of_matchbox_is_exported() {
    let other = |key| assignment("other", "layered").with_key(key);
    let board = || uuid(BOARD);
    let wrong = || matchbox(&refusing([one().with_key(mac(CARD)), other(board())]));
    let same = refusing([one().with_key(mac(CARD)), other(mac("52:54:00:00:00:02"))]);
    follow(wrong(), "identify all machines by keys of the same kind", matchbox(&same));
    let more = Selector::new([mac(CARD), serial("S1")]).unwrap();
    let more = refusing([one().with_selector(more), other(board())]);
    follow(wrong(), "or give more keys to the machine that should win", matchbox(&more));
}

#[test]
fn a_machine_without_a_token_is_exported_and_later_the_fleet_without_it() {
    let known = || assignment("two", "worker").with_key(mac("52:54:00:00:00:02"));
    let installs = || one().with_key(mac(CARD));
    let token = BootOnce::file("tokens/one").unwrap();
    let by_token = refusing([installs().with_boot_once(token), known()]);
    let hint =
        "export the machine without the token, and export the fleet again without the machine";
    for export in [matchbox, pixiecore] {
        follow(export(&by_token), hint, export(&refusing([installs(), known()])));
        follow(export(&by_token), hint, export(&refusing([known()])));
    }
}

#[test]
fn a_release_that_was_rendered_with_the_fleet_has_its_initrds() {
    let with = refusing([with_overlay(one().with_key(mac(CARD)))]);
    let export = |manifest: &Manifest| {
        DataDirectory::export(manifest, &with, &PayloadBase::matchbox_assets()).map(drop)
    };
    let without = manifest(&refusing([one().with_key(mac(CARD))]));
    follow(export(&without), "render the release with this fleet", export(&manifest(&with)));
}

#[test]
fn payloads_at_a_url_are_found_by_every_server() {
    let fleet = refusing([one().with_key(mac(CARD))]);
    let manifest = manifest(&fleet);
    let url = PayloadBase::url(&"http://boot.example.org/nixos/".parse().unwrap()).unwrap();
    let answers = |base: &PayloadBase| Answers::export(&manifest, &fleet, base).map(drop);
    let groups = |base: &PayloadBase| DataDirectory::export(&manifest, &fleet, base).map(drop);
    let hint = "give the URL that serves the target (`PayloadBase::url`)";
    follow(answers(&PayloadBase::matchbox_assets()), hint, answers(&url));
    follow(groups(&PayloadBase::beside_answers()), hint, groups(&url));
    let ftp = PayloadBase::url(&"ftp://boot.example.org/nixos/".parse().unwrap()).unwrap();
    let hint = "serve the target by HTTP or HTTPS, and give that URL as the place of the payloads";
    follow(answers(&ftp), hint, answers(&url));
    follow(groups(&ftp), hint, groups(&url));
}

#[test]
fn a_parameter_that_is_no_template_is_exported() {
    let of = |text: &str| {
        let machine = one().with_key(mac(CARD)).with_kernel_parameter(text).unwrap();
        pixiecore(&refusing([machine]))
    };
    follow(of("a={{.x}}"), "write the parameter without `{{`", of("a={.x}"));
}
