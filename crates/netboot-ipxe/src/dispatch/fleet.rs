//! All machines, and the policy for unknown machines.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use netboot_core::ProfileName;

use crate::dispatch::assignment::Assignment;
use crate::dispatch::key::{MachineKey, MachineUuid};
use crate::dispatch::selector::Selector;
use crate::error::Error;

/// The image that a machine without an assignment boots.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownMachine {
    /// It shows the menu.
    Menu,
    /// It boots this profile.
    Profile(ProfileName),
    /// It boots the next device of its firmware, which is usually its local disk.
    LocalDisk,
    /// It boots nothing. It shows that it is not known, with its MAC address, UUID and serial
    /// number. After a minute it starts again, so it boots as soon as it has been added.
    ///
    /// No script offers a menu or a shell then, not even those of images and the static entries.
    /// The prompt that iPXE itself offers with Ctrl-B stays. Only `boot.ipxe` asks which machine it
    /// is: a machine that starts with the entry of a profile boots that profile.
    Refuse,
}

/// The form in which machines find their assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DispatchForm {
    /// [`Inline`](Self::Inline) for up to 200 assignments, and [`Tables`](Self::Tables) for more.
    #[default]
    Automatic,
    /// All assignments are in the script that every machine fetches.
    Inline,
    /// The assignments are in tables of a few hundred machines each. A machine finds its table by
    /// the first octets of a key. A table is named by its digest and has no data of images: a
    /// changed machine changes its table and the script that names the tables, and a changed image
    /// changes no table.
    Tables,
    /// There is a file for each key below `machines/` of the release. People can find the files by
    /// name, but every release has to upload all of them. A MAC address, UUID, serial number or
    /// asset tag that comes first in a selector has a file. Other selectors are in the script, as
    /// with [`Inline`](Self::Inline).
    Files,
}

/// The largest number of assignments in the script that every machine fetches.
const INLINE_LIMIT: usize = 200;

/// The machines of a site. [`Fleet::builder`] starts one.
///
/// ```
/// use netboot_ipxe::{Assignment, Fleet, MachineKey, UnknownMachine};
///
/// let fleet = Fleet::builder(UnknownMachine::Refuse)
///     .assignment(
///         Assignment::new("node-1", "worker")?
///             .with_key(MachineKey::mac("52:54:00:12:34:56")?),
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

/// Builds a [`Fleet`]. [`Fleet::builder`] creates it.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the fleet"]
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

    /// Sets the form in which machines find their assignment.
    pub fn form(mut self, form: DispatchForm) -> Self {
        self.form = form;
        self
    }

    /// Checks that every machine has exactly one assignment, and returns the fleet. The order in
    /// which assignments were added does not matter.
    ///
    /// # Errors
    /// [`Error::DuplicateMachine`] for two assignments of the same name,
    /// [`Error::AssignmentWithoutKey`], [`Error::SharedIdentity`] for a key that many machines
    /// share, [`Error::SwappedUuid`], and [`Error::AmbiguousSelectors`] if two selectors may
    /// match the same machine and neither is more specific.
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
        for selector in assignments.iter().flat_map(Assignment::selectors) {
            selector.keys().iter().try_for_each(MachineKey::check_identity)?;
        }
        check_ambiguity(&assignments)?;
        check_uuids(&assignments)?;
        let form = match form {
            DispatchForm::Automatic if assignments.len() > INLINE_LIMIT => DispatchForm::Tables,
            DispatchForm::Automatic => DispatchForm::Inline,
            chosen => chosen,
        };
        Ok(Fleet { assignments, unknown, form })
    }
}

impl Fleet {
    /// Starts a fleet. `unknown` tells what all other machines boot.
    pub fn builder(unknown: UnknownMachine) -> FleetBuilder {
        FleetBuilder { assignments: Vec::new(), unknown, form: DispatchForm::Automatic }
    }

    /// The assignments, ordered by name.
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// The image that unknown machines boot.
    pub fn unknown(&self) -> &UnknownMachine {
        &self.unknown
    }

    /// The form in which machines find their assignment. It is never
    /// [`Automatic`](DispatchForm::Automatic).
    pub fn form(&self) -> DispatchForm {
        self.form
    }

    /// The assignment that the scripts choose for a machine with these keys.
    pub fn assignment_of(&self, keys: &[MachineKey]) -> Option<&Assignment> {
        self.closest_assignments(keys).into_iter().next()
    }

    /// The assignments with the selectors that match these keys most closely, ordered by name.
    /// There is more than one only if two keys are of the same kind, such as the addresses of two
    /// network cards, and belong to different assignments: the machine was entered twice.
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

/// Finds a UUID that two assignments have in different orders of its octets. That is one machine,
/// which programs showed in two ways.
fn check_uuids(assignments: &[Assignment]) -> Result<(), Error> {
    let mut owners: HashMap<MachineUuid, &Assignment> = HashMap::new();
    for assignment in assignments {
        for key in assignment.selectors().iter().flat_map(Selector::keys) {
            let MachineKey::Uuid(uuid) = key else { continue };
            owners.insert(*uuid, assignment);
            let other = owners.get(&uuid.octets_swapped());
            if let Some(other) = other.filter(|other| other.name() != assignment.name()) {
                return Err(Error::SwappedUuid {
                    name: other.name().to_string(),
                    other_name: assignment.name().to_string(),
                    uuid: uuid.to_string(),
                });
            }
        }
    }
    Ok(())
}

/// Finds two selectors that may match the same machine, if neither is more specific.
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
    // Selectors with the same kinds of keys overlap only if they are equal.
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
    // Selectors with different kinds are equally specific only if settings differ by name.
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
