//! Checks that matchbox chooses the same group as the fleet (`SelectGroup` in its `server.go`, and
//! `ByReqs` in its `group.go`).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::dispatch::assignment::Assignment;
use crate::dispatch::fleet::Fleet;
use crate::dispatch::key::MachineKey;
use crate::dispatch::selector::Selector;
use crate::error::Error;
use crate::interchange::problem::InterchangeProblem;
use crate::interchange::server::MATCHBOX;

/// Refuses a fleet if two selectors may match the same machine and matchbox prefers the other one.
pub(super) fn check(fleet: &Fleet) -> Result<(), Error> {
    // Two selectors with the same kinds of keys match the same machine only if they are equal,
    // which a fleet refuses. The order of two different lists of kinds does not depend on the
    // values.
    let mut by_kinds: BTreeMap<Vec<&str>, Vec<(&Selector, &Assignment)>> = BTreeMap::new();
    for assignment in fleet.assignments() {
        for selector in assignment.selectors() {
            let kinds = selector.keys().iter().map(kind).collect();
            by_kinds.entry(kinds).or_default().push((selector, assignment));
        }
    }
    let lists: Vec<_> = by_kinds.values().collect();
    for (index, ones) in lists.iter().enumerate() {
        for others in lists.iter().skip(index + 1) {
            let disagreeing = ones.iter().find_map(|one| {
                let other = others.iter().find(|other| is_misjudged(*one, **other))?;
                Some((one, other))
            });
            if let Some(((one_selector, one), (other_selector, other))) = disagreeing {
                let is_first = one_selector.is_more_specific_than(other_selector);
                let (right, wrong) = if is_first { (one, other) } else { (other, one) };
                return Err(Error::NotInterchangeable {
                    server: MATCHBOX,
                    subject: format!("the machine {}", right.name()),
                    problem: InterchangeProblem::Order { other: wrong.name().to_string() },
                });
            }
        }
    }
    Ok(())
}

/// Returns true if a machine may match both selectors, and matchbox and the fleet prefer different
/// ones.
fn is_misjudged(
    (one, one_assignment): (&Selector, &Assignment),
    (other, other_assignment): (&Selector, &Assignment),
) -> bool {
    let ours = one.is_more_specific_than(other);
    let theirs = order(one, other) == Ordering::Greater;
    one_assignment.name() != other_assignment.name() && ours != theirs && one.overlaps(other)
}

/// The order of matchbox, which chooses the greatest.
fn order(one: &Selector, other: &Selector) -> Ordering {
    let text = |selector: &Selector| {
        let mut pairs: Vec<String> =
            selector.keys().iter().map(|key| format!("{}=", kind(key))).collect();
        pairs.sort();
        (pairs.len(), pairs)
    };
    text(one).cmp(&text(other))
}

/// The label of a key in matchbox. Keys without a label were refused before.
fn kind(key: &MachineKey) -> &str {
    match key {
        MachineKey::Mac(_) => "mac",
        MachineKey::Uuid(_) => "uuid",
        MachineKey::Serial(_) => "serial",
        MachineKey::Setting { name, .. } => name.as_str(),
        _ => "",
    }
}
