//! All machines, and what happens to those that are not among them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use netboot_core::ProfileName;

use crate::dispatch::assignment::Assignment;
use crate::dispatch::key::MachineKey;
use crate::dispatch::selector::Selector;
use crate::error::Error;

/// What a machine boots that no assignment of the fleet is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownMachine {
    /// It shows the menu.
    Menu,
    /// It boots this profile.
    Profile(ProfileName),
    /// It boots what its firmware boots next, which is its local disk as a rule.
    LocalDisk,
    /// It boots nothing: it shows its MAC address, UUID and serial number, and that it is not
    /// known here, waits a minute and starts over, so that it boots once it has been added. No
    /// menu and no shell is offered by any script, of images and static entries included; what
    /// iPXE itself offers by Ctrl-B stays. Only `boot.ipxe` asks who a machine is: one that is sent
    /// to a profile's own entry boots it.
    Refuse,
}

/// In which form machines find their assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DispatchForm {
    /// [`Inline`](Self::Inline) up to 200 assignments, [`Tables`](Self::Tables) beyond.
    #[default]
    Automatic,
    /// All in the script that every machine fetches.
    Inline,
    /// In tables of some hundred machines each, found by the first octets of a key. A table is
    /// named by its digest and says nothing of images: a changed machine changes its table and the
    /// script that names the tables, a changed image changes no table.
    Tables,
    /// A file for each key below `machines/` of the release. People find them by name; but all
    /// are sent with every release. A MAC address, UUID, serial number or asset tag that comes
    /// first in a selector has a file; other selectors are in the script as for
    /// [`Inline`](Self::Inline).
    Files,
}

/// Up to how many assignments stand in the script that every machine fetches.
const INLINE_LIMIT: usize = 200;

/// The machines of a site, checked: see [`Fleet::builder`].
///
/// ```
/// use netboot_ipxe::{Assignment, Fleet, MachineKey, UnknownMachine};
///
/// let fleet = Fleet::builder(UnknownMachine::Refuse)
///     .assignment(
///         Assignment::new("node-1".parse()?, "worker".parse()?)
///             .with_key(MachineKey::Mac("52:54:00:12:34:56".parse()?)),
///     )
///     .build()?;
/// assert_eq!(fleet.assignments().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fleet {
    assignments: Vec<Assignment>,
    unknown: UnknownMachine,
    form: DispatchForm,
}

/// Gathers the machines of a [`Fleet`]; made by [`Fleet::builder`].
#[derive(Debug, Clone)]
#[must_use = "a fleet is made by `build`"]
pub struct FleetBuilder {
    assignments: Vec<Assignment>,
    unknown: UnknownMachine,
    form: DispatchForm,
}

impl FleetBuilder {
    /// Adds an assignment.
    pub fn assignment(mut self, assignment: Assignment) -> Self {
        self.assignments.push(assignment);
        self
    }

    /// Adds assignments.
    pub fn assignments(mut self, assignments: impl IntoIterator<Item = Assignment>) -> Self {
        self.assignments.extend(assignments);
        self
    }

    /// The form in which machines find their assignment.
    pub fn form(mut self, form: DispatchForm) -> Self {
        self.form = form;
        self
    }

    /// Checks that every machine has one answer. The order in which assignments were added does
    /// not matter.
    ///
    /// # Errors
    /// [`Error::DuplicateMachine`] for two assignments of one name,
    /// [`Error::AssignmentWithoutKey`], [`Error::AmbiguousSelectors`] for two selectors that may
    /// match one machine and of which neither is more specific.
    pub fn build(self) -> Result<Fleet, Error> {
        let Self { mut assignments, unknown, form } = self;
        assignments.sort_by(|one, other| one.name().cmp(other.name()));
        for pair in assignments.windows(2) {
            if let [one, other] = pair
                && one.name() == other.name()
            {
                return Err(Error::DuplicateMachine { name: one.name().to_string() });
            }
        }
        if let Some(assignment) = assignments.iter().find(|one| one.selectors().is_empty()) {
            return Err(Error::AssignmentWithoutKey { name: assignment.name().to_string() });
        }
        check_ambiguity(&assignments)?;
        let form = match form {
            DispatchForm::Automatic if assignments.len() > INLINE_LIMIT => DispatchForm::Tables,
            DispatchForm::Automatic => DispatchForm::Inline,
            chosen => chosen,
        };
        Ok(Fleet { assignments, unknown, form })
    }
}

impl Fleet {
    /// Begins a fleet; `unknown` says what all other machines boot.
    pub fn builder(unknown: UnknownMachine) -> FleetBuilder {
        FleetBuilder { assignments: Vec::new(), unknown, form: DispatchForm::Automatic }
    }

    /// The assignments, by name.
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// What other machines boot.
    pub fn unknown(&self) -> &UnknownMachine {
        &self.unknown
    }

    /// The form in which machines find their assignment: never
    /// [`Automatic`](DispatchForm::Automatic).
    pub fn form(&self) -> DispatchForm {
        self.form
    }

    /// The assignment of a machine of which these keys are true, as the scripts would choose it.
    pub fn assignment_of(&self, keys: &[MachineKey]) -> Option<&Assignment> {
        self.closest_assignments(keys).into_iter().next()
    }

    /// The assignments whose selectors match these keys most closely, by name. There is more than
    /// one only where the keys have two of one kind, such as the addresses of two network cards
    /// that belong to different assignments: a machine that tells all its cards was entered twice.
    pub fn closest_assignments(&self, keys: &[MachineKey]) -> Vec<&Assignment> {
        let matches = |selector: &&Selector| selector.keys().iter().all(|key| keys.contains(key));
        let mut closest: Vec<(&Selector, &Assignment)> = Vec::new();
        for assignment in &self.assignments {
            for selector in assignment.selectors().iter().filter(matches) {
                let order = closest.first().map(|(one, _)| selector.specificity(one));
                match order {
                    Some(Ordering::Greater) => continue,
                    Some(Ordering::Less) => closest.clear(),
                    Some(Ordering::Equal) | None => {}
                }
                if closest.last().is_none_or(|(_, last)| last.name() != assignment.name()) {
                    closest.push((selector, assignment));
                }
            }
        }
        closest.into_iter().map(|(_, assignment)| assignment).collect()
    }
}

/// Finds two selectors that may match one machine, of which neither is more specific.
fn check_ambiguity(assignments: &[Assignment]) -> Result<(), Error> {
    type Owned<'a> = (&'a Selector, &'a Assignment);
    let ambiguous = |(one, owner): Owned<'_>, (other, other_owner): Owned<'_>| {
        let named = |(selector, assignment): Owned<'_>| {
            (assignment.name().to_string(), selector.to_string())
        };
        let ((name, selector), (other_name, other_selector)) =
            (named((one, owner)), named((other, other_owner)));
        Err(Error::AmbiguousSelectors { name, selector, other_name, other_selector })
    };
    // Selectors of the same kinds overlap only where they are equal.
    let mut seen: HashMap<&Selector, &Assignment> = HashMap::new();
    let mut by_kinds: BTreeMap<_, Vec<Owned<'_>>> = BTreeMap::new();
    for assignment in assignments {
        for selector in assignment.selectors() {
            if let Some(other) = seen.insert(selector, assignment) {
                return ambiguous((selector, other), (selector, assignment));
            }
            by_kinds.entry(selector.kinds()).or_default().push((selector, assignment));
        }
    }
    // Those of different kinds are of one specificity only where settings differ by name.
    let groups: Vec<&Vec<Owned<'_>>> = by_kinds.values().collect();
    for (index, group) in groups.iter().enumerate() {
        for other in &groups[index + 1..] {
            if group[0].0.specificity(other[0].0).is_ne() {
                continue;
            }
            for one in *group {
                if let Some(two) = other.iter().find(|two| one.0.overlaps(two.0)) {
                    return ambiguous(*one, *two);
                }
            }
        }
    }
    Ok(())
}
