//! The rules that the parts of a manifest follow together.

use std::collections::{BTreeMap, BTreeSet};

use crate::content::Content;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::invalid_value::{InvalidValue, TextProblem, ValueKind};
use crate::layout::{self, PATH_LIMIT, ReleasePath};
use crate::manifest::parts::Parts;

/// The maximum number of files, blobs and entry points.
const ENTRY_LIMIT: u64 = 1_000_000;

/// The maximum size of all files together, in bytes: 1 PiB.
const SIZE_LIMIT: u64 = 1 << 50;

/// The maximum size of an entry point, in bytes. A publisher reads entry points into memory.
const ENTRY_POINT_LIMIT: u64 = 1024 * 1024;

/// The maximum size of an entry point that is a program, in bytes. A build of iPXE has about 1 MiB.
const PROGRAM_LIMIT: u64 = 16 * 1024 * 1024;

/// Checks everything that the types of the parts do not ensure, except the version and the id.
pub(super) fn check(parts: &Parts) -> Result<(), Error> {
    if parts.images.is_empty() {
        return Err(Error::EmptyRelease);
    }
    check_sizes(parts)?;
    // A release has room for a log of each image, with or without a log.
    let logs: Vec<ReleasePath> = parts.log_paths().collect();
    let in_release: Vec<&ReleasePath> = parts.files.keys().chain(&logs).collect();
    check_paths(&in_release, &layout::reserved_in_release())?;
    let at_root: Vec<&ReleasePath> = parts.entry_points.keys().collect();
    check_paths(&at_root, &[layout::releases(), layout::blobs()])?;
    let room = PATH_LIMIT - layout::release(&parts.release).as_str().len() - "/".len();
    if let Some(path) = in_release.iter().find(|path| path.as_str().len() > room) {
        let problem = TextProblem::TooLong { length: path.as_str().len(), limit: room };
        return Err(InvalidValue::new(ValueKind::ReleasePath, path.as_str(), problem).into());
    }
    check_images(parts)
}

/// Checks that each image has its boot files among the blobs, and its script.
fn check_images(parts: &Parts) -> Result<(), Error> {
    for (profile, image) in &parts.images {
        image.check(profile)?;
        let unlisted =
            image.boot_files().find(|file| parts.blobs.get(&file.sha256) != Some(&file.size));
        if let Some(file) = unlisted {
            let (profile, file) = (profile.clone(), file.file_name.clone());
            return Err(Error::UnlistedPayload { profile, file });
        }
    }
    let profiles = parts.images.keys();
    let mut required = profiles.map(layout::profile_script).chain([layout::boot_script()]);
    match required.find(|path| !parts.files.contains_key(path)) {
        Some(path) => Err(Error::MissingScript { path }),
        None => Ok(()),
    }
}

/// Checks that all numbers are within the limits, and that a digest has the same size everywhere.
fn check_sizes(parts: &Parts) -> Result<(), Error> {
    let Parts { files, blobs, entry_points, .. } = parts;
    let blobs = blobs.iter().map(|(sha256, size)| Content { size: *size, sha256: *sha256 });
    let contents = files.values().chain(entry_points.values()).copied();
    let (mut sizes, mut count, mut total) = (BTreeMap::<Sha256Digest, u64>::new(), 0_u64, 0_u64);
    for Content { size, sha256 } in contents.chain(blobs).chain(parts.closures()) {
        count += 1;
        total = total.saturating_add(size);
        if *sizes.entry(sha256).or_insert(size) != size {
            return Err(Error::ContradictorySizes { sha256 });
        }
    }
    let largest = |programs| {
        let points = entry_points.iter().filter(|(path, _)| layout::is_program(path) == programs);
        points.map(|(_, content)| content.size).max().unwrap_or(0)
    };
    for (what, found, limit) in [
        ("files", count, ENTRY_LIMIT),
        ("bytes", total, SIZE_LIMIT),
        ("bytes in an entry point", largest(false), ENTRY_POINT_LIMIT),
        ("bytes in a boot program", largest(true), PROGRAM_LIMIT),
    ] {
        if found > limit {
            return Err(Error::ReleaseTooLarge { what, found, limit });
        }
    }
    Ok(())
}

/// Checks that each path is there once, that none is reserved or below a reserved one, and that
/// none lies below another.
fn check_paths(paths: &[&ReleasePath], reserved: &[ReleasePath]) -> Result<(), Error> {
    let mut taken = BTreeSet::new();
    if let Some(twice) = paths.iter().find(|path| !taken.insert(path.as_str())) {
        return Err(Error::Duplicate { name: twice.to_string() });
    }
    for path in paths {
        let text = path.as_str();
        let above = || text.match_indices('/').filter_map(|(end, _)| text.get(..end));
        if above().chain([text]).any(|part| reserved.iter().any(|path| path.as_str() == part)) {
            return Err(Error::ReservedPath { path: (*path).clone() });
        }
        if let Some(file) = above().find(|part| taken.contains(part)) {
            return Err(Error::FileAboveFile { file: file.to_owned(), below: (*path).clone() });
        }
    }
    Ok(())
}
