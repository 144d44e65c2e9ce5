//! Packages that are in a system in several versions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::size::store_path::StorePathSize;

/// A package with several versions in one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DuplicatePackage {
    /// The name of the package.
    pub package: String,
    /// The versions, and the store paths of each.
    pub versions: BTreeMap<String, Vec<String>>,
    /// The size in bytes of all versions except the largest. A single version would save this much.
    pub excess: u64,
}

/// The packages with several versions, those with the largest excess first.
pub(super) fn duplicates(paths: &[StorePathSize]) -> Vec<DuplicatePackage> {
    let mut packages: BTreeMap<&str, BTreeMap<&str, Vec<&StorePathSize>>> = BTreeMap::new();
    for path in paths {
        if let Some(package) = &path.package {
            let versions = packages.entry(&package.name).or_default();
            versions.entry(&package.version).or_default().push(path);
        }
    }
    let several = packages.into_iter().filter(|(_, versions)| versions.len() > 1);
    let mut duplicates: Vec<DuplicatePackage> = several
        .map(|(package, versions)| {
            let size = |paths: &Vec<&StorePathSize>| paths.iter().map(|path| path.own_size).sum();
            let sizes: Vec<u64> = versions.values().map(size).collect();
            let largest = sizes.iter().max().copied().unwrap_or_default();
            let paths = |paths: Vec<&StorePathSize>| {
                paths.into_iter().map(|path| path.path.clone()).collect::<BTreeSet<_>>()
            };
            DuplicatePackage {
                package: package.to_owned(),
                excess: sizes.iter().sum::<u64>() - largest,
                versions: versions
                    .into_iter()
                    .map(|(version, of)| (version.to_owned(), paths(of).into_iter().collect()))
                    .collect(),
            }
        })
        .collect();
    duplicates.sort_by(|a, b| (b.excess, &a.package).cmp(&(a.excess, &b.package)));
    duplicates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::package::Package;

    #[test]
    fn a_package_in_several_versions_is_found_and_its_outputs_are_not() {
        let size = |path: &str, own_size| StorePathSize {
            path: path.to_owned(),
            package: Package::of(crate::size::store_path::name(path), None),
            own_size,
            blob: None,
            closure_size: own_size,
            chain: Vec::new(),
        };
        let found = duplicates(&[
            size("/s/a-python3-3.11.9", 100),
            size("/s/b-python3-3.12.3", 120),
            size("/s/c-glibc-2.39-52", 30),
            size("/s/d-glibc-2.39-52-bin", 3),
            size("/s/e-etc", 1),
            size("/s/f-etc", 1),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].package.as_str(), found[0].excess), ("python3", 100));
        assert_eq!(found[0].versions["3.11.9"], ["/s/a-python3-3.11.9"]);
    }
}
