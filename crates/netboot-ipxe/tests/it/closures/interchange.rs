//! The export of images with a closure to matchbox and Pixiecore.

use netboot_core::Manifest;
use netboot_ipxe::interchange::matchbox::DataDirectory;
use netboot_ipxe::interchange::pixiecore::Answers;
use netboot_ipxe::interchange::{InterchangeProblem, PayloadBase};
use netboot_ipxe::{Assignment, Error, Fleet, MachineKey, UnknownMachine};

use super::{index_of, old, read_by_stage_1, url};
use crate::images::closure_image;

const TARGET: &str = "http://boot.example.org/nixos";

fn manifest(parameters: &[&str]) -> Manifest {
    let images = [closure_image("worker", parameters)];
    old().build().unwrap().render_release(images).unwrap().manifest().clone()
}

fn fleet(parameters: &[&str]) -> Fleet {
    let macs = ["52:54:00:12:34:56", "52:54:00:12:34:57"];
    let machine = Assignment::new("node-1", "worker").unwrap();
    let machine = macs
        .iter()
        .fold(machine, |machine, mac| machine.with_key(MachineKey::Mac(mac.parse().unwrap())));
    let machine = parameters
        .iter()
        .fold(machine, |machine, parameter| machine.with_kernel_parameter(*parameter).unwrap());
    Fleet::builder(UnknownMachine::Refuse).assignment(machine).build().unwrap()
}

#[test]
fn matchbox_gives_machines_the_index_and_the_card() {
    let base = PayloadBase::url(&url(TARGET)).unwrap();
    let fleet = fleet(&["systemd.hostname=node-1"]);
    let data = DataDirectory::export(&manifest(&["quiet"]), &fleet, &base).unwrap();
    let boot = &data.profiles()["worker.node-1"].boot;
    let words: Vec<&str> = boot.args.iter().map(String::as_str).collect();
    let read = read_by_stage_1(&words, "");
    assert_eq!(read.index, Some(index_of("worker")));
    let blob = read.from[0].blob(&index_of("worker")).to_string();
    assert_eq!(blob, format!("{TARGET}/blobs/{}", index_of("worker")));
    // matchbox expands nothing, and iPXE expands this.
    assert!(words.contains(&"BOOTIF=01-${netX/mac:hexhyp}"));
    assert!(words.contains(&"ip=:::::BOOTIF:dhcp") && words.contains(&"quiet"));
    assert!(words.last().unwrap().starts_with("netboot.index="));
}

#[test]
fn pixiecore_gives_each_card_its_own_answer() {
    let base = PayloadBase::url(&url(TARGET)).unwrap();
    let answers = Answers::export(&manifest(&[]), &fleet(&[]), &base).unwrap();
    assert_eq!(answers.by_machine().len(), 2);
    for (mac, answer) in answers.by_machine() {
        let words: Vec<&str> = answer.cmdline.split(' ').collect();
        let read = read_by_stage_1(&words, "");
        assert_eq!(read.index, Some(index_of("worker")));
        assert_eq!(read.boot_interface.unwrap().to_string(), mac.to_string());
        assert!(!answer.cmdline.contains("${"), "Pixiecore knows the card: {}", answer.cmdline);
    }
}

#[test]
fn a_place_without_an_absolute_http_url_is_refused() {
    let exports = |parameters: &[&str], matchbox: &PayloadBase, pixiecore: &PayloadBase| {
        let (manifest, fleet) = (manifest(parameters), fleet(&[]));
        [
            DataDirectory::export(&manifest, &fleet, matchbox).map(drop),
            Answers::export(&manifest, &fleet, pixiecore).map(drop),
        ]
    };
    let secure = PayloadBase::url(&url("https://boot.example.org/")).unwrap();
    let places =
        [(PayloadBase::matchbox_assets(), PayloadBase::beside_answers()), (secure.clone(), secure)];
    for (matchbox, pixiecore) in &places {
        for result in exports(&[], matchbox, pixiecore) {
            let error = result.unwrap_err();
            let Error::NotInterchangeable { problem, .. } = &error else { panic!("{error:?}") };
            assert_eq!(*problem, InterchangeProblem::NoClosureSource);
            assert!(error.hint().unwrap().contains("netboot.from="), "{error}");
        }
        // The other way of the hint works too.
        for result in exports(&["netboot.from=http://10.0.0.9/"], matchbox, pixiecore) {
            result.unwrap();
        }
    }
}

#[test]
fn a_machine_cannot_replace_the_index() {
    let base = PayloadBase::url(&url(TARGET)).unwrap();
    let fleet = fleet(&["netboot.index=00"]);
    for error in [
        DataDirectory::export(&manifest(&[]), &fleet, &base).map(drop).unwrap_err(),
        Answers::export(&manifest(&[]), &fleet, &base).map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, Error::ReservedParameter { .. }), "{error:?}");
    }
}
