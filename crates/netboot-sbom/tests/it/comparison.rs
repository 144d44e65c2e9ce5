//! The difference of two images is exact, whatever they consist of.

use std::collections::BTreeMap;

use netboot_core::{Image, ProfileName, Sha256Digest};
use netboot_sbom::{Bill, Comparison, PackageChange, ReleaseComparison, sbom};
use proptest::prelude::*;

use crate::sample::{begin, materials};

fn bill(packages: &[(&str, u64)]) -> Bill {
    let image: Image = begin().materials(materials(packages)).build().unwrap();
    Bill::parse(&sbom(&image).unwrap()).unwrap()
}

#[test]
fn packages_come_go_and_change_version_and_size() {
    let before = bill(&[("bash-5.2", 900), ("glibc-2.40", 3000), ("old-1", 5), ("same-1", 1)]);
    let after = bill(&[("bash-5.3", 950), ("glibc-2.40", 3100), ("new-1", 6), ("same-1", 1)]);
    let comparison = Comparison::of(&before, &after);
    assert_eq!((comparison.size_before, comparison.size_after), (4006, 4157));
    assert!(comparison.files.is_empty());
    let names: Vec<&str> = comparison.packages.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["bash", "glibc", "new", "old"]);
    let [bash, glibc, new, old] = &comparison.packages[..] else { panic!("{comparison:?}") };
    assert!(bash.is_of_version() && bash.is_of_size());
    assert!(!glibc.is_of_version() && glibc.is_of_size());
    assert!(new.before.is_none() && new.is_of_version());
    assert!(old.after.is_none() && old.is_of_size());
    let versions = &bash.after.as_ref().unwrap().versions;
    assert_eq!(versions.iter().collect::<Vec<_>>(), ["5.3"]);
}

#[test]
fn profiles_come_go_and_change() {
    let release = |bills: &[(&str, u64)]| -> BTreeMap<ProfileName, Bill> {
        bills.iter().map(|(name, size)| (name.parse().unwrap(), bill(&[("a-1", *size)]))).collect()
    };
    let before = release(&[("worker", 1), ("storage", 1), ("old", 1)]);
    let after = release(&[("worker", 2), ("storage", 1), ("new", 1)]);
    let comparison = ReleaseComparison::of(&before, &after);
    assert!(comparison.came.iter().map(ProfileName::as_str).eq(["new"]));
    assert!(comparison.went.iter().map(ProfileName::as_str).eq(["old"]));
    assert!(comparison.changed.keys().map(ProfileName::as_str).eq(["worker"]));
    assert!(ReleaseComparison::of(&after, &after).is_empty() && !comparison.is_empty());
}

/// Packages by their names and versions, with their sizes.
fn packages() -> impl Strategy<Value = Vec<(String, u64)>> {
    let name =
        ("[a-c]{1,2}", "[0-9](\\.[0-9])?").prop_map(|(name, version)| format!("{name}-{version}"));
    prop::collection::btree_map(name, 0..1000_u64, 0..8).prop_map(|all| all.into_iter().collect())
}

fn bill_of(packages: &[(String, u64)]) -> Bill {
    let packages: Vec<(&str, u64)> =
        packages.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    bill(&packages)
}

fn turned(change: &PackageChange) -> (String, BTreeMap<u8, Sha256Digest>) {
    let sides = [(1, &change.before), (0, &change.after)];
    let sides = sides.into_iter().filter_map(|(side, state)| {
        Some((side, Sha256Digest::of(serde_json::to_string(state.as_ref()?).unwrap().as_bytes())))
    });
    (change.name.clone(), sides.collect())
}

fn straight(change: &PackageChange) -> (String, BTreeMap<u8, Sha256Digest>) {
    let sides = [(0, &change.before), (1, &change.after)];
    let sides = sides.into_iter().filter_map(|(side, state)| {
        Some((side, Sha256Digest::of(serde_json::to_string(state.as_ref()?).unwrap().as_bytes())))
    });
    (change.name.clone(), sides.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_image_does_not_differ_from_itself(packages in packages()) {
        let bill = bill_of(&packages);
        prop_assert!(Comparison::of(&bill, &bill).is_empty());
    }

    #[test]
    fn both_directions_tell_the_same(one in packages(), other in packages()) {
        let (one, other) = (bill_of(&one), bill_of(&other));
        let (there, back) = (Comparison::of(&one, &other), Comparison::of(&other, &one));
        prop_assert_eq!((there.size_before, there.size_after), (back.size_after, back.size_before));
        let there: Vec<_> = there.packages.iter().map(straight).collect();
        let back: Vec<_> = back.packages.iter().map(turned).collect();
        prop_assert_eq!(there, back);
    }

    #[test]
    fn the_changes_explain_the_sizes_and_the_store_paths(one in packages(), other in packages()) {
        let (one, other) = (bill_of(&one), bill_of(&other));
        let comparison = Comparison::of(&one, &other);
        let mut size = i128::from(comparison.size_before);
        let mut paths: std::collections::BTreeSet<&String> = one.store_paths.keys().collect();
        for change in &comparison.packages {
            prop_assert!(change.before != change.after);
            if let Some(before) = &change.before {
                size -= i128::from(before.size);
                prop_assert!(before.store_paths.iter().all(|path| paths.remove(path)));
            }
            if let Some(after) = &change.after {
                size += i128::from(after.size);
                paths.extend(&after.store_paths);
            }
        }
        prop_assert_eq!(size, i128::from(comparison.size_after));
        prop_assert!(paths.into_iter().eq(other.store_paths.keys()));
    }
}
