//! If several groups match a machine, matchbox chooses the same one as the fleet.

use std::collections::BTreeMap;

use netboot_ipxe::interchange::matchbox::{DataDirectory, Group};
use netboot_ipxe::interchange::{InterchangeProblem, PayloadBase};
use netboot_ipxe::{Error, Fleet, MachineKey, Selector, UnknownMachine};
use proptest::prelude::*;

use super::{assignment, mac, manifest, serial, uuid};

/// `SelectGroup` of matchbox. It orders groups by the number of keys and then by the greatest text,
/// and takes the first that matches.
pub(crate) fn select<'a>(
    groups: &'a BTreeMap<String, Group>,
    labels: &BTreeMap<String, String>,
) -> Option<&'a Group> {
    let text = |group: &Group| {
        let pairs: Vec<String> =
            group.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        (pairs.len(), pairs.join(","))
    };
    let mut sorted: Vec<&Group> = groups.values().collect();
    sorted.sort_by_key(|group| std::cmp::Reverse(text(group)));
    sorted
        .into_iter()
        .find(|group| group.selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
}

/// Two values for each of three kinds.
fn key(kind: usize, value: bool) -> MachineKey {
    let digit = u8::from(value);
    match kind {
        0 => mac(&format!("52:54:00:00:00:0{digit}")),
        1 => uuid(&format!("4c4c4544-0039-4a10-8054-b5c04f4e313{digit}")),
        _ => serial(&format!("S{digit}")),
    }
}

fn selector() -> impl Strategy<Value = Selector> {
    prop::collection::vec(prop::option::of(any::<bool>()), 3).prop_filter_map("no key", |values| {
        let keys = values.into_iter().enumerate();
        Selector::new(keys.filter_map(|(kind, value)| Some(key(kind, value?)))).ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn matchbox_chooses_as_the_fleet_does(
        selectors in prop::collection::vec(selector(), 1..5),
        machine in prop::collection::vec(any::<bool>(), 3),
    ) {
        let machines = selectors.into_iter().enumerate().map(|(number, selector)| {
            // Each machine has its own profile, which identifies it.
            assignment(&format!("machine-{number}"), "worker")
                .with_selector(selector)
                .with_kernel_parameter(format!("number={number}")).unwrap()
        });
        let fleet = Fleet::builder(UnknownMachine::Refuse).assignments(machines).build();
        prop_assume!(fleet.is_ok());
        let fleet = fleet.unwrap();
        let base = PayloadBase::matchbox_assets();
        let data = match DataDirectory::export(&manifest(&fleet), &fleet, &base) {
            Ok(data) => data,
            Err(Error::NotInterchangeable { problem: InterchangeProblem::Order { .. }, .. }) => {
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        };
        let keys: Vec<MachineKey> =
            machine.iter().enumerate().map(|(kind, value)| key(kind, *value)).collect();
        let labels = BTreeMap::from([
            ("mac".to_owned(), format!("52:54:00:00:00:0{}", u8::from(machine[0]))),
            ("uuid".to_owned(), format!("4c4c4544-0039-4a10-8054-b5c04f4e313{}", u8::from(machine[1]))),
            ("serial".to_owned(), format!("S{}", u8::from(machine[2]))),
        ]);
        let theirs = select(data.groups(), &labels).map(|group| group.name.as_str());
        let ours = fleet.assignment_of(&keys).map(|assignment| assignment.name().as_str());
        prop_assert_eq!(theirs, ours);
    }
}

#[test]
fn a_fleet_that_matchbox_would_judge_otherwise_is_refused() {
    let card = || assignment("card", "worker").with_key(key(0, true));
    let board = || assignment("board", "layered").with_key(key(1, true));
    let fleet = super::fleet(UnknownMachine::Refuse, [card(), board()]);
    let base = PayloadBase::matchbox_assets();
    let error = DataDirectory::export(&manifest(&fleet), &fleet, &base).unwrap_err();
    assert_eq!(
        error.to_string(),
        "matchbox cannot serve the machine card: it would choose `board` for a machine that \
         matches both"
    );
    // With a second key, matchbox also prefers the card.
    let both = Selector::new([key(0, true), key(2, true)]).unwrap();
    let closer = assignment("card", "worker").with_selector(both);
    let fleet = super::fleet(UnknownMachine::Refuse, [closer, board()]);
    DataDirectory::export(&manifest(&fleet), &fleet, &base).unwrap();
}
