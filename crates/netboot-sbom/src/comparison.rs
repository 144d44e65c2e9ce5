//! The difference between the contents of two images.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Content, FileName, ProfileName};
use serde::Serialize;

use crate::bill::Bill;

/// The difference between the contents of two images: what changed, and nothing of what did not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The packages of which something changed, by their names.
    pub packages: Vec<PackageChange>,
    /// The files that a boot loader fetches and that changed, by their names.
    pub files: Vec<FileChange>,
    /// The size of all store paths before, in bytes, without compression.
    pub size_before: u64,
    /// The size of all store paths after.
    pub size_after: u64,
}

/// The difference between the images of two releases, profile by profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReleaseComparison {
    /// The profiles that came.
    pub came: BTreeSet<ProfileName>,
    /// The profiles that went.
    pub went: BTreeSet<ProfileName>,
    /// The profiles whose images changed.
    pub changed: BTreeMap<ProfileName, Comparison>,
}

impl ReleaseComparison {
    /// Compares the images of two releases, by their profiles.
    pub fn of(before: &BTreeMap<ProfileName, Bill>, after: &BTreeMap<ProfileName, Bill>) -> Self {
        let mut comparison = Self::default();
        for (profile, before, after) in changes(before, after) {
            match (before, after) {
                (Some(before), Some(after)) => {
                    comparison.changed.insert(profile, Comparison::of(&before, &after));
                }
                (None, _) => drop(comparison.came.insert(profile)),
                (_, None) => drop(comparison.went.insert(profile)),
            }
        }
        // A licence alone is no change of the image.
        comparison.changed.retain(|_, changes| !changes.is_empty());
        comparison
    }

    /// Returns true if nothing changed.
    pub fn is_empty(&self) -> bool {
        self.came.is_empty() && self.went.is_empty() && self.changed.is_empty()
    }
}

/// A package that came, went or changed. At least one side is there, and the two sides differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PackageChange {
    /// The name of the package.
    pub name: String,
    /// The package before, or `None` if it came.
    pub before: Option<PackageState>,
    /// The package after, or `None` if it went.
    pub after: Option<PackageState>,
}

/// A package in one image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PackageState {
    /// The versions. It is empty for what has no version in its name, such as a generated file.
    pub versions: BTreeSet<String>,
    /// The size of all store paths of the package in bytes.
    pub size: u64,
    /// The store paths.
    pub store_paths: BTreeSet<String>,
}

/// A file that came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileChange {
    /// The name of the file.
    pub name: FileName,
    /// The file before, or `None` if it came.
    pub before: Option<Content>,
    /// The file after, or `None` if it went.
    pub after: Option<Content>,
}

impl Comparison {
    /// Compares two images.
    pub fn of(before: &Bill, after: &Bill) -> Self {
        let files = changes(&before.files, &after.files).into_iter();
        let packages = changes(&packages(before), &packages(after)).into_iter();
        Self {
            packages: packages
                .map(|(name, before, after)| PackageChange { name, before, after })
                .collect(),
            files: files.map(|(name, before, after)| FileChange { name, before, after }).collect(),
            size_before: before.size(),
            size_after: after.size(),
        }
    }

    /// Returns true if nothing changed.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.files.is_empty()
    }
}

impl PackageChange {
    /// Returns true if the package has other versions, came or went.
    pub fn is_of_version(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => before.versions != after.versions,
            _ => true,
        }
    }

    /// Returns true if the store paths of the package have another size together.
    pub fn is_of_size(&self) -> bool {
        let size = |state: &Option<PackageState>| state.as_ref().map_or(0, |state| state.size);
        size(&self.before) != size(&self.after)
    }
}

/// The packages of a bill, by their names.
fn packages(bill: &Bill) -> BTreeMap<String, PackageState> {
    let mut packages: BTreeMap<String, PackageState> = BTreeMap::new();
    for (path, item) in &bill.store_paths {
        let state = packages.entry(item.name.clone()).or_default();
        state.size = state.size.saturating_add(item.size);
        state.store_paths.insert(path.clone());
        if !item.version.is_empty() {
            state.versions.insert(item.version.clone());
        }
    }
    packages
}

/// The keys whose values differ, with both values, in the order of the keys.
fn changes<K: Ord + Clone, V: PartialEq + Clone>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<(K, Option<V>, Option<V>)> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let all = keys.into_iter().map(|key| (key, before.get(key), after.get(key)));
    let changed = all.filter(|(_, before, after)| before != after);
    changed.map(|(key, before, after)| (key.clone(), before.cloned(), after.cloned())).collect()
}
