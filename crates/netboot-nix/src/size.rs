//! The size of an image, by store path.

mod duplicates;
mod finding;
mod findings;
mod generated;
mod package;
mod package_name;
mod references;
mod render;
mod store_path;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use netboot_core::{Artifact, Closure, ClosureManifest, Content, Image, ProfileName};
use serde::Serialize;
use walkdir::WalkDir;

pub use self::duplicates::DuplicatePackage;
use self::duplicates::duplicates;
pub use self::finding::{SizeFinding, SizeProblem};
use self::findings::findings;
pub use self::package::Package;
pub(crate) use self::references::{chains, references};
pub use self::store_path::StorePathSize;
pub(crate) use self::store_path::name;
use crate::derivation_info::DerivationInfo;
use crate::error::Error;
use crate::path_info::PathInfo;

/// The size in bytes from which a file is too large for an initrd. A cpio archive in the `newc`
/// format has 8 hexadecimal digits for the size (Linux,
/// `Documentation/driver-api/early-userspace/buffer-format.rst`). Larger files are silently left
/// out of an initrd (nixpkgs issue 399607).
pub(crate) const INITRD_FILE_LIMIT: u64 = 1 << 32;

/// The store paths of a system, what each adds to the image, and why it is there.
///
/// Made by [`NixBuilder::size_report`](crate::NixBuilder::size_report). `Display` writes a table
/// for a terminal, and `serde` writes everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SizeReport {
    /// The profile.
    pub profile: ProfileName,
    /// The size of the kernel in bytes, as a machine fetches it.
    pub kernel: u64,
    /// The size of all initrds in bytes, compressed, as a machine fetches them.
    pub initrds: u64,
    /// The size in bytes of what the machine fetches after the boot loader: the index and the
    /// compressed store paths of a closure. It is 0 if the initrds contain the system.
    pub fetched_closure: u64,
    /// The maximum number of bytes that a machine fetches.
    pub budget: u64,
    /// The size of all store paths in bytes, without compression. An unpacked initrd needs this
    /// much memory.
    pub closure: u64,
    /// The store paths, largest first.
    pub paths: Vec<StorePathSize>,
    /// Packages with several versions, those with the largest excess first.
    pub duplicates: Vec<DuplicatePackage>,
    /// The parts that the system can do without, those that save most first.
    pub findings: Vec<SizeFinding>,
}

impl SizeReport {
    /// A report of `image`, with the system `toplevel` and its `closure`. `blobs` has the
    /// compressed store paths by their names, and `derivations` what Nix knows of derivers.
    pub(crate) fn new(
        image: &Image,
        budget: u64,
        toplevel: &str,
        closure: &BTreeMap<String, PathInfo>,
        blobs: &BTreeMap<String, Content>,
        derivations: &BTreeMap<String, DerivationInfo>,
    ) -> Self {
        let mut chains = chains(toplevel, |path| references(closure, path));
        let deriver = |info: &PathInfo| derivations.get(info.deriver.as_ref()?.rsplit('/').next()?);
        let mut paths: Vec<StorePathSize> = closure
            .iter()
            .map(|(path, info)| StorePathSize {
                path: path.clone(),
                package: Package::of(name(path), deriver(info)),
                own_size: info.nar_size,
                blob: path.rsplit('/').next().and_then(|name| blobs.get(name).copied()),
                closure_size: info.closure_size.unwrap_or(info.nar_size),
                chain: chains.remove(path.as_str()).unwrap_or_else(|| vec![path.clone()]),
            })
            .collect();
        paths.sort_by(|a, b| (b.own_size, &a.path).cmp(&(a.own_size, &b.path)));
        Self {
            profile: image.profile().clone(),
            kernel: image.kernel().size(),
            initrds: image.initrds().iter().map(Artifact::size).sum(),
            fetched_closure: image.closure().map_or(0, Closure::size),
            budget,
            closure: paths.iter().map(|path| path.own_size).sum(),
            duplicates: duplicates(&paths),
            findings: findings(toplevel, &paths, closure),
            paths,
        }
    }

    /// The number of bytes that the boot loader fetches.
    pub fn payload(&self) -> u64 {
        self.kernel + self.initrds
    }

    /// The number of bytes that a machine fetches which has nothing yet.
    pub fn fetched(&self) -> u64 {
        self.payload() + self.fetched_closure
    }

    /// The store paths that a machine fetches which has those of another closure, such as the one
    /// of the live release. There are none if the initrds contain the system.
    pub fn new_paths(&self, other: &ClosureManifest) -> Vec<&StorePathSize> {
        let is_new = |blob: &Content| !other.blobs.contains_key(&blob.sha256);
        self.paths.iter().filter(|path| path.blob.as_ref().is_some_and(is_new)).collect()
    }

    /// Returns true if a machine fetches more than the budget allows.
    pub fn is_over_budget(&self) -> bool {
        self.fetched() > self.budget
    }
}

/// The first file below the paths of `closure` that is too large for an initrd, with its size in
/// bytes. Only paths that are large enough are read.
///
/// # Errors
/// [`Error::Io`] if a directory cannot be read.
pub(crate) fn oversized_file(
    closure: &BTreeMap<String, PathInfo>,
) -> Result<Option<(PathBuf, u64)>, Error> {
    for (path, _) in closure.iter().filter(|(_, info)| info.nar_size >= INITRD_FILE_LIMIT) {
        if let Some(found) = oversized_below(Path::new(path), INITRD_FILE_LIMIT)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn oversized_below(path: &Path, limit: u64) -> Result<Option<(PathBuf, u64)>, Error> {
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| Error::io("list", path, error.into()))?;
        let metadata = entry.metadata().map_err(|error| Error::io("list", path, error.into()))?;
        if metadata.is_file() && metadata.len() >= limit {
            return Ok(Some((entry.path().to_owned(), metadata.len())));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closure(paths: &[(&str, u64, &[&str])]) -> BTreeMap<String, PathInfo> {
        let info = |size, references: &[&str]| PathInfo {
            nar_hash: String::new(),
            nar_size: size,
            references: references.iter().map(|path| (*path).to_owned()).collect(),
            deriver: None,
            closure_size: None,
        };
        paths.iter().map(|(path, size, refs)| ((*path).to_owned(), info(*size, refs))).collect()
    }

    #[test]
    fn a_file_too_large_for_an_initrd_is_found_where_it_lies() {
        let directory = tempfile::tempdir().unwrap();
        let sparse = directory.path().join("share/image");
        std::fs::create_dir(directory.path().join("share")).unwrap();
        let file = std::fs::File::create(&sparse).unwrap();
        let path = directory.path().to_str().unwrap();
        let of = |size| closure(&[(path, size, &[])]);

        file.set_len(INITRD_FILE_LIMIT - 1).unwrap();
        assert_eq!(oversized_file(&of(INITRD_FILE_LIMIT)).unwrap(), None);
        file.set_len(INITRD_FILE_LIMIT).unwrap();
        let found = oversized_file(&of(INITRD_FILE_LIMIT)).unwrap();
        assert_eq!(found, Some((sparse, INITRD_FILE_LIMIT)));
        assert_eq!(oversized_file(&of(INITRD_FILE_LIMIT - 1)).unwrap(), None, "it was looked into");
    }
}
