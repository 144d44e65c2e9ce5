//! Attacks on the table: whatever is sent, a plan names the machine's own address or none.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netboot_core::MacAddress;
use proptest::prelude::*;

use super::nonce::Nonce;
use super::record::Record;
use super::refusal::Refusal;
use super::table::{Asker, Claimed, Granted, Table};
use crate::reports::{MachineId, Stage};

const MACHINES: [&str; 2] = ["node01", "node02"];

fn table() -> Table {
    Table::new(MACHINES.map(|name| (name.to_owned(), Record::default())).into())
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn card(last: u8) -> MacAddress {
    MacAddress::new([0x52, 0x54, 0, 0, 0, last]).unwrap()
}

fn nonce(number: u8) -> Nonce {
    hex::encode([number; 16]).parse().unwrap()
}

/// The machine of this name, or an unknown one, asks for its script.
fn asks(table: &mut Table, name: &str, from: IpAddr, card: MacAddress, gets: Nonce) {
    let is_known = MACHINES.contains(&name);
    let name = name.to_owned();
    let machine = if is_known { MachineId::Known(name) } else { MachineId::Unknown(name) };
    let release = "0".repeat(64).parse().unwrap();
    let granted = Granted { nonce: gets, release, profile: "worker".parse().unwrap() };
    table.answer(&Asker { machine, address: from, cards: vec![card] }, Some(granted));
}

fn reports(
    table: &mut Table,
    stage: Stage,
    with: Nonce,
    from: IpAddr,
    cards: &[MacAddress],
) -> bool {
    let claimed = Claimed { nonce: with, stage, address: from, cards, profile: None };
    table.report(&claimed).0.is_some()
}

fn comes_up(table: &mut Table, with: Nonce, from: IpAddr) -> bool {
    reports(table, Stage::Init, with, from, &[])
}

fn place(table: &Table, name: &str) -> Result<IpAddr, Refusal> {
    table.records[name].place(name).map(|(address, _)| address)
}

#[test]
fn a_machine_is_where_its_newest_boot_came_up() {
    let mut table = table();
    assert!(matches!(place(&table, "node01"), Err(Refusal::NeverBooted { .. })));
    asks(&mut table, "node01", address(1), card(1), nonce(1));
    assert!(matches!(place(&table, "node01"), Err(Refusal::NotUp { .. })));
    assert!(comes_up(&mut table, nonce(1), address(1)));
    assert_eq!(place(&table, "node01"), Ok(address(1)));
    // It boots again, and is not there until that boot has come up.
    asks(&mut table, "node01", address(1), card(1), nonce(2));
    assert!(comes_up(&mut table, nonce(1), address(1)), "a report that was late");
    assert!(matches!(place(&table, "node01"), Err(Refusal::NotUp { .. })));
    assert!(comes_up(&mut table, nonce(2), address(1)));
    assert_eq!(place(&table, "node01"), Ok(address(1)));
}

#[test]
fn the_system_may_have_another_address_than_ipxe() {
    let mut table = table();
    for (boot, name) in [(1, "node01"), (2, "node01")] {
        asks(&mut table, name, address(1), card(1), nonce(boot));
        assert!(comes_up(&mut table, nonce(boot), address(11)));
        assert_eq!(place(&table, name), Ok(address(11)));
    }
    // The address of its iPXE serves another machine. Its system keeps its own.
    asks(&mut table, "node02", address(1), card(2), nonce(3));
    assert!(comes_up(&mut table, nonce(3), address(12)));
    assert_eq!(place(&table, "node01"), Ok(address(11)));
    assert_eq!(place(&table, "node02"), Ok(address(12)));
    // One boot has one system.
    assert!(comes_up(&mut table, nonce(3), address(13)));
    assert!(matches!(place(&table, "node02"), Err(Refusal::TwoAddresses { .. })));
}

#[test]
fn the_newest_answer_owns_an_address() {
    let mut table = table();
    asks(&mut table, "node01", address(1), card(1), nonce(1));
    assert!(comes_up(&mut table, nonce(1), address(1)));
    asks(&mut table, "node02", address(1), card(2), nonce(2));
    assert!(comes_up(&mut table, nonce(2), address(1)));
    let refusal = place(&table, "node01").unwrap_err();
    let said = refusal.to_string();
    assert!(said.contains("node01") && said.contains("node02"), "{said}");
    assert!(matches!(refusal, Refusal::AddressTaken { .. }), "{said}");
    assert_eq!(place(&table, "node02"), Ok(address(1)));
    // The first machine comes back elsewhere, and its old claim does not count any more.
    asks(&mut table, "node01", address(3), card(1), nonce(3));
    assert!(comes_up(&mut table, nonce(3), address(3)));
    assert_eq!(place(&table, "node01"), Ok(address(3)));
    assert_eq!(place(&table, "node02"), Ok(address(1)));
    // An unknown machine owns an address, too.
    asks(&mut table, "a stranger", address(3), card(9), nonce(4));
    assert!(place(&table, "node01").unwrap_err().to_string().contains("a stranger"));
}

#[test]
fn machines_behind_one_address_get_no_plan() {
    for first_reports_last in [true, false] {
        let mut table = table();
        asks(&mut table, "node01", address(1), card(1), nonce(1));
        asks(&mut table, "node02", address(1), card(2), nonce(2));
        let order = if first_reports_last { [2, 1] } else { [1, 2] };
        for boot in order {
            assert!(comes_up(&mut table, nonce(boot), address(1)));
        }
        for name in MACHINES {
            let said = place(&table, name).unwrap_err().to_string();
            assert!(said.contains("node01") && said.contains("node02"), "{said}");
        }
    }
}

#[test]
fn the_newest_answer_owns_a_card() {
    let mut table = table();
    // By its serial number, since the first machine has the other card.
    asks(&mut table, "node02", address(2), card(7), nonce(2));
    assert_eq!(table.owner_of(card(7)).as_deref(), Some("node02"));
    assert!(comes_up(&mut table, nonce(2), address(2)));
    asks(&mut table, "node01", address(1), card(7), nonce(1));
    assert_eq!(table.owner_of(card(7)).as_deref(), Some("node01"));
    let refusal = place(&table, "node02").unwrap_err();
    assert!(matches!(refusal, Refusal::CardTaken { .. }), "{refusal}");
    assert!(refusal.to_string().contains("node01"), "{refusal}");
    // Nobody frees the name of a machine by asking with its card.
    asks(&mut table, "node02", address(66), card(66), nonce(3));
    assert!(comes_up(&mut table, nonce(3), address(66)));
    place(&table, "node02").unwrap_err();
}

#[test]
fn a_report_has_to_fit_its_answer() {
    let mut table = table();
    asks(&mut table, "node01", address(1), card(1), nonce(1));
    assert!(!reports(&mut table, Stage::Kernel, nonce(2), address(1), &[card(1)]), "no such nonce");
    assert!(!reports(&mut table, Stage::Kernel, nonce(1), address(2), &[card(1)]), "elsewhere");
    assert!(!reports(&mut table, Stage::Kernel, nonce(1), address(1), &[card(2)]), "another card");
    assert!(!reports(&mut table, Stage::Init, nonce(1), address(1), &[card(2)]), "another card");
    let profile = "control-plane".parse().unwrap();
    let of_another = Claimed {
        nonce: nonce(1),
        stage: Stage::Init,
        address: address(1),
        cards: &[],
        profile: Some(&profile),
    };
    assert_eq!(table.report(&of_another).0, None, "another profile");
    place(&table, "node01").unwrap_err();
    assert!(reports(&mut table, Stage::Init, nonce(1), address(1), &[card(2), card(1)]));
    assert_eq!(place(&table, "node01"), Ok(address(1)));
}

/// The actions of an attacker from its own addresses.
#[derive(Debug, Clone)]
enum Attack {
    Asks { name: &'static str, from: u8, card: u8 },
    Reports { stage: Stage, with: u8, from: u8, card: Option<u8> },
}

/// The honest machines have the addresses and cards 1 and 2, and the attacker has the addresses
/// above 100. It can name every card.
fn attack(
    names: &'static [&'static str],
    cards: std::ops::Range<u8>,
) -> impl Strategy<Value = Attack> {
    let stages = prop::sample::select(vec![Stage::Init, Stage::Kernel, Stage::Failed]);
    let asks = (prop::sample::select(names), 101..104_u8, cards.clone())
        .prop_map(|(name, from, card)| Attack::Asks { name, from, card });
    let reports = (stages, 0..20_u8, 101..104_u8, prop::option::of(cards))
        .prop_map(|(stage, with, from, card)| Attack::Reports { stage, with, from, card });
    prop_oneof![asks, reports]
}

/// Lets the honest machines boot, each as many times as its boots, between the attacks.
fn play(attacks: &[Attack], honest_at: &[usize]) -> Table {
    let mut table = table();
    // The honest boots, in the order of their steps: node01 asks, node02 asks, and both come up.
    let mut honest = [(0, 1), (0, 2), (1, 1), (1, 2), (0, 1), (1, 1)].into_iter();
    let mut numbers: BTreeMap<u8, Nonce> = BTreeMap::new();
    let (mut own, mut next, mut taken) = ([nonce(255); 3], 100_u8, Vec::new());
    let mut step = |table: &mut Table, (what, who): (u8, u8)| {
        let name = MACHINES[usize::from(who) - 1];
        if what == 0 {
            next += 1;
            own[usize::from(who)] = nonce(next);
            asks(table, name, address(who), card(who), nonce(next));
        } else {
            comes_up(table, own[usize::from(who)], address(who));
        }
    };
    for (index, attack) in attacks.iter().enumerate() {
        for _ in honest_at.iter().filter(|at| **at == index) {
            honest.by_ref().take(1).for_each(|one| step(&mut table, one));
        }
        match attack {
            Attack::Asks { name, from, card: with } => {
                let fresh = nonce(u8::try_from(taken.len() % 100).unwrap());
                taken.push(fresh);
                numbers.insert(u8::try_from(taken.len() % 20).unwrap(), fresh);
                asks(&mut table, name, address(*from), card(*with), fresh);
            }
            Attack::Reports { stage, with, from, card: named } => {
                let with = numbers.get(with).copied().unwrap_or(nonce(254));
                let cards: Vec<MacAddress> = named.iter().map(|number| card(*number)).collect();
                reports(&mut table, *stage, with, address(*from), &cards);
            }
        }
    }
    honest.for_each(|one| step(&mut table, one));
    table
}

proptest! {
    #[test]
    fn a_plan_names_the_machine_or_nobody(
        attacks in prop::collection::vec(attack(&["node01", "node02", "a stranger"], 0..5), 0..60),
        honest_at in prop::collection::vec(0..60_usize, 6),
    ) {
        let table = play(&attacks, &honest_at);
        for (index, name) in MACHINES.into_iter().enumerate() {
            let own = address(u8::try_from(index + 1).unwrap());
            match place(&table, name) {
                Ok(found) => prop_assert_eq!(found, own),
                Err(refusal) => prop_assert!(refusal.to_string().contains(name)),
            }
        }
    }

    #[test]
    fn an_attacker_who_names_no_machine_changes_nothing(
        attacks in prop::collection::vec(attack(&["a stranger", "another"], 3..9), 0..400),
        honest_at in prop::collection::vec(0..400_usize, 6),
    ) {
        let table = play(&attacks, &honest_at);
        prop_assert_eq!(place(&table, "node01"), Ok(address(1)));
        prop_assert_eq!(place(&table, "node02"), Ok(address(2)));
    }

    #[test]
    fn records_stay_small(
        attacks in prop::collection::vec(attack(&["node01", "node02", "a stranger"], 0..5), 0..400),
    ) {
        let table = play(&attacks, &[]);
        let size = serde_json::to_vec(&table.records).unwrap().len();
        prop_assert!(size < 8000, "{}", size);
    }
}
