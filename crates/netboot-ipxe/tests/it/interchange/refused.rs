//! If another server cannot do something, the export fails with a hint and leaves nothing out.

use netboot_ipxe::interchange::matchbox::DataDirectory;
use netboot_ipxe::interchange::pixiecore::Answers;
use netboot_ipxe::interchange::{InterchangeProblem, PayloadBase};
use netboot_ipxe::{Assignment, BootOnce, Error, Fleet, MachineKey, Selector, UnknownMachine};

use super::{assignment, fleet, mac, manifest, serial, uuid, with_overlay};

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> InterchangeProblem {
    let error = result.unwrap_err();
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
    match error {
        Error::NotInterchangeable { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

fn matchbox(fleet: &Fleet) -> Result<DataDirectory, Error> {
    DataDirectory::export(&manifest(fleet), fleet, &PayloadBase::matchbox_assets())
}

fn pixiecore(fleet: &Fleet) -> Result<Answers, Error> {
    Answers::export(&manifest(fleet), fleet, &PayloadBase::beside_answers())
}

fn refusing(machine: Assignment) -> Fleet {
    fleet(UnknownMachine::Refuse, [machine])
}

#[test]
fn unknown_machines_get_what_the_server_has() {
    let one = || [assignment("one", "worker").with_key(mac("52:54:00:00:00:01"))];
    let profile = || UnknownMachine::Profile("worker".parse().unwrap());
    for unknown in [UnknownMachine::Menu, UnknownMachine::LocalDisk] {
        let fleet = fleet(unknown, one());
        for problem in [problem(matchbox(&fleet)), problem(pixiecore(&fleet))] {
            assert!(matches!(problem, InterchangeProblem::Unknown { .. }), "{problem}");
        }
    }
    let problem = problem(pixiecore(&fleet(profile(), one())));
    assert_eq!(problem, InterchangeProblem::Unknown { wanted: "profile" });
    matchbox(&fleet(profile(), one())).unwrap();
}

#[test]
fn machines_are_known_by_what_the_server_is_told() {
    let setting = |name, value| MachineKey::setting(name, value).unwrap();
    for key in [
        MachineKey::AssetTag("A-17".parse().unwrap()),
        setting("product", "X9"),
        setting("hostname", "a&mac=52-54-00-00-00-01"),
        serial("7C Z1"),
        MachineKey::Architecture("x86_64".parse().unwrap()),
    ] {
        let expected = InterchangeProblem::Key { key: key.to_string() };
        let fleet = refusing(assignment("one", "worker").with_key(key));
        assert_eq!(problem(matchbox(&fleet)), expected);
    }
    let known = uuid("4c4c4544-0039-4a10-8054-b5c04f4e3132");
    for selector in [
        Selector::from(known.clone()),
        Selector::new([mac("52:54:00:00:00:01"), known.clone()]).unwrap(),
    ] {
        let fleet = refusing(assignment("one", "worker").with_selector(selector));
        let expected = InterchangeProblem::Key { key: known.to_string() };
        assert_eq!(problem(pixiecore(&fleet)), expected);
        matchbox(&fleet).unwrap();
    }
}

#[test]
fn tokens_unpublished_initrds_and_templates_are_refused() {
    let one = || assignment("one", "worker").with_key(mac("52:54:00:00:00:01"));
    let by_token = refusing(one().with_boot_once(BootOnce::file("tokens/one").unwrap()));
    assert_eq!(problem(matchbox(&by_token)), InterchangeProblem::BootOnce);
    assert_eq!(problem(pixiecore(&by_token)), InterchangeProblem::BootOnce);

    let fleet = refusing(with_overlay(one()));
    let manifest = manifest(&refusing(one()));
    let base = PayloadBase::matchbox_assets();
    let missing = problem(DataDirectory::export(&manifest, &fleet, &base));
    assert_eq!(missing, InterchangeProblem::OverlayNotPublished);

    let parameter = "a={{.x}}";
    let fleet = refusing(one().with_kernel_parameter(parameter).unwrap());
    let expected = InterchangeProblem::Template { parameter: parameter.to_owned() };
    assert_eq!(problem(pixiecore(&fleet)), expected);
    matchbox(&fleet).unwrap(); // whose templates are elsewhere
}

#[test]
fn profiles_and_parameters_keep_the_rules_of_every_script() {
    let one = |profile| assignment("one", profile).with_key(mac("52:54:00:00:00:01"));
    let with = refusing(one("worker"));
    let manifest = manifest(&with);
    let export = |fleet: &Fleet| {
        let base = PayloadBase::matchbox_assets();
        DataDirectory::export(&manifest, fleet, &base).map(drop).and_then(|()| {
            Answers::export(&manifest, fleet, &PayloadBase::beside_answers()).map(drop)
        })
    };
    let error = export(&refusing(one("other"))).unwrap_err();
    assert!(matches!(error, Error::UnknownProfile { .. }), "{error}");
    let error = export(&refusing(one("worker").with_kernel_parameter("a=${ip}").unwrap()));
    assert!(matches!(error.unwrap_err(), Error::Unprintable { .. }));
    let long = format!("a={}", "x".repeat(1000));
    let longer = format!("b={}", "x".repeat(1000));
    let error = export(&refusing(
        one("worker").with_kernel_parameter(long).unwrap().with_kernel_parameter(longer).unwrap(),
    ));
    assert!(matches!(error.unwrap_err(), Error::CommandLineTooLong { .. }));
    let many = (0..260).fold(one("worker"), |machine, number| {
        machine.with_kernel_parameter(format!("p{number}")).unwrap()
    });
    assert!(matches!(export(&refusing(many)).unwrap_err(), Error::TooManyArguments { .. }));
}

#[test]
fn payloads_are_where_the_server_looks_for_them() {
    let fleet = refusing(assignment("one", "worker").with_key(mac("52:54:00:00:00:01")));
    let manifest = manifest(&fleet);
    let answers = Answers::export(&manifest, &fleet, &PayloadBase::matchbox_assets());
    assert_eq!(problem(answers), InterchangeProblem::PayloadsOf { owner: "matchbox" });
    let directory = DataDirectory::export(&manifest, &fleet, &PayloadBase::beside_answers());
    assert_eq!(problem(directory), InterchangeProblem::PayloadsOf { owner: "Pixiecore" });

    for scheme in ["ftp", "tftp", "file"] {
        let url = format!("{scheme}://boot.example.org/nixos/").parse().unwrap();
        let base = PayloadBase::url(&url).unwrap();
        let expected = InterchangeProblem::Scheme { scheme: scheme.to_owned() };
        assert_eq!(problem(Answers::export(&manifest, &fleet, &base)), expected);
        assert_eq!(problem(DataDirectory::export(&manifest, &fleet, &base)), expected);
    }
    let url = "http://boot.example.org/nixos/?version=1".parse().unwrap();
    let base = PayloadBase::url(&url).unwrap();
    assert_eq!(base.to_string(), "http://boot.example.org/nixos");
    DataDirectory::export(&manifest, &fleet, &base).unwrap();
    Answers::export(&manifest, &fleet, &base).unwrap();
}
